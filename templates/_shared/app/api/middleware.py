"""Around every request: an id, one log line, and headers that keep a browser from running foreign code."""

import time
import uuid
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.observability.telemetry import trace_id

log = structlog.get_logger()

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class RequestFrame:
    """ASGI middleware; it never touches bodies, so streams stay streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), scope["state"])
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            _log_request(scope, status, time.perf_counter() - started)
            structlog.contextvars.unbind_contextvars("request_id")


def _add_headers(headers: MutableHeaders, state: dict[str, Any]) -> None:
    headers["X-Request-Id"] = state["request_id"]
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)  # a call may send a stricter policy of its own
    if "allowance" in state:
        headers.update(state["allowance"].headers())


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    if scope["path"] in ("/healthz", "/metrics"):
        return
    milliseconds = round(seconds * 1000, 1)
    log.info("request", method=scope["method"], path=scope["path"], status=status, ms=milliseconds, trace_id=trace_id())
