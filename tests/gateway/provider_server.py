"""A local server that speaks the wire formats of OpenAI, Anthropic, Gemini and Bedrock, and fails on command.

As a process: `python -m tests.gateway.provider_server PORT`. `POST /control` with `{"openai": 503}` tells providers how
to behave and answers with the calls that each has had.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tests.gateway.wire_formats import STREAM, WHOLE, WORDS

HANG_SECONDS = 5.0
PASSAGE = re.compile(r'<passage id="1"[^>]*>\s*(.+?)\n', re.DOTALL)

Scope = dict[str, Any]


def greet(_: dict[str, Any]) -> Sequence[str]:
    """What a model says that reads nothing."""
    return WORDS


@dataclass
class Provider:
    """How one provider behaves: `ok`, an HTTP status, `hang`, `garbage`, or `empty` for a response without a body.

    In the middle of a stream: `cut` breaks the connection, `short` ends the body as if all was said, `torn` sends half
    an event and then ends.
    """

    behave: str | int = "ok"
    retry_after: str | None = None
    calls: int = 0
    finished: float = 0.0


@dataclass
class ProviderServer:
    """All providers at one address; each under a path of its own. `speak` makes a stream's words from the request."""

    url: str
    speak: Callable[[dict[str, Any]], Sequence[str]] = greet
    providers: dict[str, Provider] = field(default_factory=dict)
    charged: Counter[str] = field(default_factory=Counter)

    def __getitem__(self, name: str) -> Provider:
        return self.providers.setdefault(name, Provider())

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http":
            return
        body = json.loads(await _read(receive) or b"{}")
        name = scope["path"].split("/")[1]
        if name == "control":
            await self._control(body, send)
            return
        streaming = bool(body.get("stream")) or "tream" in scope["path"].rsplit("/", 1)[-1]
        parts = STREAM[name](self.speak(body)) if streaming else []
        await self._respond(name, self[name], parts, send)

    async def _control(self, behave: dict[str, str | int], send: Any) -> None:
        for name, how in behave.items():
            self[name].behave = how
        calls = {name: provider.calls for name, provider in self.providers.items()}
        await _send(send, 200, b"application/json", [json.dumps(calls).encode()])

    async def _respond(self, name: str, provider: Provider, parts: list[bytes], send: Any) -> None:
        """Answer as told: with these parts of a stream, or whole where there are none."""
        provider.calls += 1
        if isinstance(provider.behave, int):
            headers = [(b"retry-after", provider.retry_after.encode())] if provider.retry_after else []
            await _send(send, provider.behave, b"application/json", [_failure(name, provider.behave)], headers)
            provider.finished = time.perf_counter()
            return
        if provider.behave == "hang":
            await asyncio.sleep(HANG_SECONDS)
            return
        if provider.behave == "garbage":
            await _send(send, 200, b"application/json", [b'{"half": '])
            provider.finished = time.perf_counter()
            return
        if provider.behave == "empty":
            await _send(send, 200, _kind(name, bool(parts)), [])
            provider.finished = time.perf_counter()
            return
        if not parts:
            await _send(send, 200, b"application/json", [json.dumps(WHOLE[name]).encode()])
            self.charged[name] += 1
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", _kind(name, True))]})
        for part in self._as_far_as(name, provider, parts):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self.charged[name] += 1

    def _as_far_as(self, name: str, provider: Provider, parts: list[bytes]) -> Iterator[bytes]:
        """The stream's events, as far as the provider behaves."""
        if provider.behave == "ok":
            yield from parts
            return
        half = len(parts) // 2
        yield from parts[:half]
        provider.finished = time.perf_counter()
        if provider.behave == "cut":
            raise ConnectionAbortedError  # the server closes the connection in the middle of the body
        if provider.behave == "torn":
            yield torn(name, parts[half])


@contextmanager
def serve_providers(speak: Callable[[dict[str, Any]], Sequence[str]] = greet) -> Iterator[ProviderServer]:
    """The server on a free port of 127.0.0.1, stopped at the end."""
    providers = ProviderServer("", speak)
    config = uvicorn.Config(providers, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the provider server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    providers.url = f"http://127.0.0.1:{port}"
    yield providers
    server.should_exit = True
    thread.join(10)


def quote(request: dict[str, Any]) -> list[str]:
    """What a model that only reads says: the first line of the first passage, cited."""
    found = PASSAGE.search(str(request).replace("\\n", "\n"))
    return [html.unescape(found[1]), " [1]", "\n"] if found else ["I don't know."]


def torn(name: str, part: bytes) -> bytes:
    """Half an event and a blank line; for Bedrock a frame whose sum is wrong."""
    return part[:-8] + bytes(8) if name == "bedrock" else part[: len(part) // 2] + b"\n\n"


def _kind(name: str, streaming: bool) -> bytes:
    if not streaming:
        return b"application/json"
    return b"application/vnd.amazon.eventstream" if name == "bedrock" else b"text/event-stream"


def _failure(name: str, status: int) -> bytes:
    if name == "anthropic":
        return json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}).encode()
    if name == "gemini":
        return json.dumps({"error": {"code": status, "message": "busy", "status": "UNAVAILABLE"}}).encode()
    if name == "bedrock":
        return json.dumps({"message": "busy"}).encode()
    return json.dumps({"error": {"message": "busy", "type": "server_error", "code": None}}).encode()


async def _send(
    send: Any, status: int, kind: bytes, parts: list[bytes], headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    start = {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), *(headers or [])]}
    await send(start)
    await send({"type": "http.response.body", "body": b"".join(parts)})


async def _read(receive: Any) -> bytes:
    body = b""
    async for part in _messages(receive):
        body += part
    return body


async def _messages(receive: Any) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        yield message.get("body", b"")
        more = message.get("more_body", False)


if __name__ == "__main__":
    uvicorn.run(ProviderServer(""), port=int(sys.argv[1]), log_level="critical", lifespan="off")
