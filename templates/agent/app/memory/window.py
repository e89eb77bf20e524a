"""Short-term memory: a conversation made to fit the model's window, the newest parts whole."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic_ai.messages import ModelMessage, ModelRequest, ToolReturnPart

from app.llm.usage import prompt_tokens

WHOLE = 2  # newest messages that are never touched: the last call and its results
KEPT = 300  # characters that remain of a condensed result
SHORT = 600  # results up to this length are left as they are


def fit(messages: Sequence[ModelMessage], tokens: int) -> list[ModelMessage]:
    """The messages in at most about `tokens`: long old results lose their tails first, then the oldest exchanges go.

    The first message, which holds the task, and the last two always remain whole; a call never loses its result.
    """
    kept = list(messages)
    for place in range(1, len(kept) - WHOLE):
        if prompt_tokens(kept) <= tokens:
            return kept
        kept[place] = _condensed(kept[place])
    while prompt_tokens(kept) > tokens and len(kept) > 2 + WHOLE:
        del kept[1:3]  # a response with its calls, and the request with their results
    return kept


def _condensed(message: ModelMessage) -> ModelMessage:
    if not isinstance(message, ModelRequest):
        return message
    return replace(message, parts=[_short(p) if isinstance(p, ToolReturnPart) else p for p in message.parts])


def _short(part: ToolReturnPart) -> ToolReturnPart:
    text = part.content if isinstance(part.content, str) else part.model_response_str()
    if len(text) <= SHORT:
        return part
    closing = "</untrusted>" if text.startswith("<untrusted>") else ""
    note = f"\n[condensed: {len(text) - KEPT} more characters were read]"
    return replace(part, content=text[:KEPT] + note + closing)
