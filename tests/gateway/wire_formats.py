"""What providers send: whole answers and streams, in the wire formats of OpenAI, Anthropic, Gemini and Bedrock.

Azure OpenAI and servers such as Ollama and vLLM speak OpenAI's older format, chat completions.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

WORDS = ("Doors ", "open ", "at nine.")
TEXT = "".join(WORDS)
USAGE = (11, 3)  # input and output tokens that every provider reports


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
    "azure": chat_stream,
    "compatible": chat_stream,
    "anthropic": anthropic_stream,
    "gemini": gemini_stream,
    "bedrock": bedrock_stream,
}
CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "served",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)},
}
WHOLE: dict[str, dict[str, Any]] = {
    "openai": openai_response("completed", openai_message("completed", TEXT)),
    "azure": CHAT,
    "compatible": CHAT,
    "anthropic": anthropic_message({"type": "text", "text": TEXT}),
    "gemini": gemini_chunk(TEXT, "STOP"),
    "bedrock": {
        "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}},
        "stopReason": "end_turn",
        "usage": BEDROCK_USAGE,
        "metrics": {"latencyMs": 1},
    },
}
