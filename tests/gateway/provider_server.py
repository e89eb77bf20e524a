"""A local server that speaks the wire formats of OpenAI, Anthropic, Gemini and Bedrock, and fails on command."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

WORDS = ("Doors ", "open ", "at nine.")
TEXT = "".join(WORDS)
USAGE = (11, 3)  # input and output tokens that every provider reports
HANG_SECONDS = 5.0

Scope = dict[str, Any]


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
    speak: Callable[[dict[str, Any]], Sequence[str]] = lambda _: WORDS
    providers: dict[str, Provider] = field(default_factory=dict)
    charged: Counter[str] = field(default_factory=Counter)

    def __getitem__(self, name: str) -> Provider:
        return self.providers.setdefault(name, Provider())

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http":
            return
        body = json.loads(await _read(receive) or b"{}")
        name = scope["path"].split("/")[1]
        streaming = bool(body.get("stream")) or "tream" in scope["path"].rsplit("/", 1)[-1]
        parts = STREAM[name](self.speak(body)) if streaming else []
        await self._respond(name, self[name], parts, send)

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
            return
        if provider.behave == "empty":
            await _send(send, 200, _kind(name, bool(parts)), [])
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
def serve_providers(speak: Callable[[dict[str, Any]], Sequence[str]] = lambda _: WORDS) -> Iterator[ProviderServer]:
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


def sse(*events: dict[str, Any], named: bool = True) -> list[bytes]:
    """Server-sent events, with their type as name where the provider does so."""
    lines = []
    for event in events:
        head = f"event: {event['type']}\n" if named and "type" in event else ""
        lines.append(f"{head}data: {json.dumps(event)}\n\n".encode())
    return lines


def openai_message(status: str, text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"id": "m1", "type": "message", "role": "assistant", "status": status, "content": content}


def openai_response(status: str, *output: dict[str, Any]) -> dict[str, Any]:
    tokens = {"input_tokens": USAGE[0], "output_tokens": USAGE[1], "total_tokens": sum(USAGE)}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": "r1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-5-mini",
        "status": status,
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {**tokens, **details} if status == "completed" else None,
    }


def openai_stream(words: Sequence[str]) -> list[bytes]:
    done = openai_message("completed", "".join(words))
    part = {"type": "output_text", "text": "", "annotations": []}
    where = {"item_id": "m1", "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.created", "response": openai_response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": openai_message("in_progress", "")},
        {"type": "response.content_part.added", **where, "part": part},
        *({"type": "response.output_text.delta", **where, "delta": word, "logprobs": []} for word in words),
        {"type": "response.output_text.done", **where, "text": "".join(words), "logprobs": []},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": openai_response("completed", done)},
    ]
    return sse(*({**event, "sequence_number": number} for number, event in enumerate(events)))


def chat_stream(words: Sequence[str]) -> list[bytes]:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "served"}
    tokens = {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)}
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": word}, None) for word in words]
    deltas.append(({}, "stop"))
    chunks = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": end}]} for d, end in deltas]
    return [*sse(*chunks, {**head, "choices": [], "usage": tokens}, named=False), b"data: [DONE]\n\n"]


def anthropic_message(*content: dict[str, Any], end: str | None = "end_turn") -> dict[str, Any]:
    tokens = {"input_tokens": USAGE[0], "output_tokens": USAGE[1]}
    head = {"id": "a1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5"}
    return {**head, "content": list(content), "stop_reason": end, "stop_sequence": None, "usage": tokens}


def anthropic_stream(words: Sequence[str]) -> list[bytes]:
    return sse(
        {"type": "message_start", "message": anthropic_message(end=None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": w}} for w in words),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": USAGE[1]}},
        {"type": "message_stop"},
    )


def gemini_chunk(text: str, end: str | None) -> dict[str, Any]:
    tokens = {"promptTokenCount": USAGE[0], "candidatesTokenCount": USAGE[1], "totalTokenCount": sum(USAGE)}
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if end:
        candidate["finishReason"] = end
    return {"candidates": [candidate], "usageMetadata": tokens, "modelVersion": "gemini", "responseId": "g1"}


def gemini_stream(words: Sequence[str]) -> list[bytes]:
    ends = [None] * (len(words) - 1) + ["STOP"]
    return sse(*(gemini_chunk(word, end) for word, end in zip(words, ends, strict=True)), named=False)


def bedrock_event(kind: str, payload: dict[str, Any]) -> bytes:
    """One frame of Amazon's event stream encoding: prelude, headers, payload, each with its CRC-32."""
    values = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in values.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    frame = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return frame + struct.pack("!I", zlib.crc32(frame))


BEDROCK_USAGE = {"inputTokens": USAGE[0], "outputTokens": USAGE[1], "totalTokens": sum(USAGE)}


def bedrock_stream(words: Sequence[str]) -> list[bytes]:
    deltas = [{"contentBlockIndex": 0, "delta": {"text": word}} for word in words]
    return [
        bedrock_event("messageStart", {"role": "assistant"}),
        *(bedrock_event("contentBlockDelta", delta) for delta in deltas),
        bedrock_event("contentBlockStop", {"contentBlockIndex": 0}),
        bedrock_event("messageStop", {"stopReason": "end_turn"}),
        bedrock_event("metadata", {"usage": BEDROCK_USAGE, "metrics": {"latencyMs": 1}}),
    ]


STREAM: dict[str, Callable[[Sequence[str]], list[bytes]]] = {
    "openai": openai_stream,
    "compatible": chat_stream,
    "anthropic": anthropic_stream,
    "gemini": gemini_stream,
    "bedrock": bedrock_stream,
}
WHOLE: dict[str, dict[str, Any]] = {
    "openai": openai_response("completed", openai_message("completed", TEXT)),
    "compatible": {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)},
    },
    "anthropic": anthropic_message({"type": "text", "text": TEXT}),
    "gemini": gemini_chunk(TEXT, "STOP"),
    "bedrock": {
        "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}},
        "stopReason": "end_turn",
        "usage": BEDROCK_USAGE,
        "metrics": {"latencyMs": 1},
    },
}


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
