"""Cuts a model's stream of fragments into whole sentences, so that each can be checked before it is shown."""

from collections.abc import AsyncIterable, AsyncIterator

from pydantic_ai.messages import ModelResponseStreamEvent, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta

from app.language import SENTENCE_END


async def split_stream(events: AsyncIterable[ModelResponseStreamEvent]) -> AsyncIterator[str]:
    """Sentences with their citation marks, each as soon as the next one has begun; the rest at the end."""
    buffer = ""
    async for event in events:
        buffer += _text(event)
        *complete, buffer = SENTENCE_END.split(buffer)
        for sentence in complete:
            if sentence.strip():
                yield sentence
    if buffer.strip():
        yield buffer


def _text(event: ModelResponseStreamEvent) -> str:
    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return event.part.content
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return event.delta.content_delta
    return ""
