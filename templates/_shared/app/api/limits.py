"""How much callers may ask for: calls per key and minute, calls at once, bytes per call.

Counters live in the process. They protect it from one caller's mistake without a database write per request; with
several workers a key may reach the limit in each.
"""

import time
from dataclasses import dataclass

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem
from app.settings import APISettings

WINDOW_SECONDS = 60
BUSY_SECONDS = 1  # when a caller may try again after 503


@dataclass(frozen=True)
class Allowance:
    """What a key has left of its window, in the terms of the RateLimit header fields (IETF draft)."""

    granted: bool
    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        """The header fields that tell a caller when to slow down."""
        return {
            "RateLimit-Policy": f'"key";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"key";r={self.remaining};t={self.reset_seconds}',
        }


class RateLimiter:
    """Grants each key `limit` calls in the minute that its first call starts."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._windows: dict[str, tuple[float, int]] = {}  # one entry per key, so it stays as small as the key table

    def take(self, key: str) -> Allowance:
        """Count one call of `key`; a refused call costs nothing."""
        now = time.monotonic()
        started, used = self._windows.get(key, (now, 0))
        if now - started >= WINDOW_SECONDS:
            started, used = now, 0
        granted = used < self._limit
        used += granted
        self._windows[key] = (started, used)
        reset = max(1, round(started + WINDOW_SECONDS - now))
        return Allowance(granted, self._limit, self._limit - used, reset)


class RequestLimits:
    """ASGI middleware: refuses calls to /v1 that are too large, or too many at once."""

    def __init__(self, app: ASGIApp, settings: APISettings) -> None:
        self._app = app
        self._max_bytes = settings.max_body_bytes
        self._max_running = settings.max_concurrency
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        if self._running >= self._max_running:
            detail = f"{self._max_running} calls are being answered already. Try again in {BUSY_SECONDS} s."
            refusal = problem(Request(scope), 503, "Busy", detail, {"Retry-After": str(BUSY_SECONDS)})
            await refusal(scope, receive, send)
            return
        self._running += 1
        try:
            await self._app(scope, _counted(receive, self._max_bytes), send)
        finally:
            self._running -= 1


def _counted(receive: Receive, max_bytes: int) -> Receive:
    """`receive` that stops a body over the limit where it is read, whatever length was announced."""
    received = 0

    async def receive_counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise HTTPException(413, f"The limit is {max_bytes:,} bytes (APP_API__MAX_BODY_BYTES).")
        return message

    return receive_counted
