"""Tells people that a budget runs out: in the log, and by a webhook."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

import httpx2
import structlog

from app.llm.spending import BudgetWarning

log = structlog.get_logger()

WEBHOOK_SECONDS = 5.0
GONE = 1.0


class BudgetAlerts:
    """Warns once a day about each budget, and once more when it is gone; each process for itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._told: set[tuple[object, ...]] = set()
        self._sending: set[asyncio.Task[None]] = set()

    def tell(self, warnings: Sequence[BudgetWarning]) -> None:
        """Log what is new and send it on in the background; a webhook that fails is logged and costs no answer."""
        for warning in warnings:
            once = (warning.day, warning.caller, warning.share >= GONE)
            if once not in self._told:
                self._told.add(once)
                log.warning("budget", caller=warning.caller, share=round(warning.share, 3))
                if self._url:
                    task = asyncio.get_running_loop().create_task(self._send(warning))
                    self._sending.add(task)
                    task.add_done_callback(self._sending.discard)

    async def _send(self, warning: BudgetWarning) -> None:
        body = {"alert": "budget", **asdict(warning), "day": warning.day.isoformat()}
        try:
            async with httpx2.AsyncClient(timeout=WEBHOOK_SECONDS) as client:
                (await client.post(self._url, json=body)).raise_for_status()
        except httpx2.HTTPError as error:
            log.warning("budget webhook failed", error=f"{type(error).__name__}: {error}")
