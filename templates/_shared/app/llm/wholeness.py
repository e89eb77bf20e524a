"""Whether an answer came whole: a provider says why its answer ends, and one that does not was cut off."""

from collections.abc import AsyncIterator

from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.messages import ModelResponse, ModelResponseStreamEvent
from pydantic_ai.models import StreamedResponse


def require_end(response: ModelResponse | StreamedResponse) -> None:
    """Refuse an answer whose provider did not say why it ends; models without a provider have no such word.

    Empty bodies, broken event streams and connections that a proxy closed politely all look like this.

    Raises:
        UnexpectedModelBehavior: it is not whole.
    """
    said_why = "finish_reason" in (response.provider_details or {}) or response.finish_reason == "content_filter"
    if response.provider_name and not said_why:
        raise UnexpectedModelBehavior(f"The answer of {response.provider_name} broke off without its end")


def watch_end(stream: StreamedResponse) -> None:
    """Let the stream raise at its end what `require_end` raises; to be called before its first event is read."""
    given = stream._get_event_iterator

    async def events() -> AsyncIterator[ModelResponseStreamEvent]:
        async for event in given():
            yield event
        if not stream.cancelled:
            require_end(stream)

    stream._get_event_iterator = events
