"""An answer that does not say why it ends was cut off: the next model can be asked, unless a reader saw a part."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
import structlog
from pydantic_ai import RunContext
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ModelResponseStreamEvent, TextPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings

from app.llm.breaker import Breaker, GuardedModel, State
from app.llm.gateway import BrokenOff, ResilientModel
from app.settings import LLMSettings

HELLO = [ModelRequest.user_text_prompt("Hello?")]


class Words(StreamedResponse):
    """A provider's stream of these words, with or without its end."""

    words: tuple[str, ...]
    ends: bool

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        for word in self.words:
            for event in self._parts_manager.handle_text_delta(vendor_part_id=0, content=word):
                yield event
        if self.ends:
            self.provider_details = {"finish_reason": "stop"}

    @property
    def model_name(self) -> str:
        return "spoken"

    @property
    def provider_name(self) -> str:
        return "speaker"

    @property
    def provider_url(self) -> None:
        return None

    @property
    def timestamp(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)


class Speaker(Model):
    """Says these words; `ends` as providers do, or as a broken connection does."""

    def __init__(self, *words: str, ends: bool = True) -> None:
        super().__init__()
        self._words, self._ends = words, ends

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        details = {"finish_reason": "stop"} if self._ends else None
        return ModelResponse([TextPart(w) for w in self._words], provider_name="speaker", provider_details=details)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        stream = Words(model_request_parameters)
        stream.words, stream.ends = self._words, self._ends
        yield stream

    @property
    def model_name(self) -> str:
        return "spoken"

    @property
    def system(self) -> str:
        return "speaker"


def after(first: Speaker, second: Speaker | None = None) -> tuple[ResilientModel, Breaker]:
    """`first` behind a breaker that one failure opens, and `second`, or a model that answers "hello"."""
    breaker, other = (Breaker(name, failures=1, pause_seconds=30) for name in ("speaker", "other"))
    models = [GuardedModel(first, breaker), GuardedModel(second or Speaker("hello"), other)]
    return ResilientModel(models, LLMSettings.model_validate({"retries": 0})), breaker


async def streamed(model: ResilientModel) -> str:
    async with model_request_stream(model, HELLO) as stream:
        async for _ in stream:
            pass
        return stream.get().text or ""


async def whole(model: ResilientModel) -> str:
    return (await model_request(model, HELLO)).text or ""


@pytest.mark.parametrize("speak", [streamed, whole])
def test_an_empty_answer_without_an_end_moves_on(speak: Any) -> None:
    model, breaker = after(Speaker(ends=False))
    assert anyio.run(speak, model) == "hello"
    assert breaker.state is State.OPEN


@pytest.mark.parametrize("speak", [streamed, whole])
def test_an_answer_with_its_end_is_taken_even_if_it_says_nothing(speak: Any) -> None:
    model, breaker = after(Speaker())
    assert anyio.run(speak, model) == ""
    assert breaker.state is State.CLOSED


def test_half_a_stream_is_an_error_that_counts_and_names_the_models_behind_it() -> None:
    model, breaker = after(Speaker("half ", "an", ends=False))
    with structlog.testing.capture_logs() as logs, pytest.raises(BrokenOff, match="broke off") as broken:
        anyio.run(streamed, model)
    assert breaker.state is State.OPEN
    assert {"event": "an answer broke off", "model": "spoken", "why": "UnexpectedModelBehavior"}.items() <= (
        logs[-1].items()
    )
    assert broken.value.rest
    assert anyio.run(streamed, broken.value.rest) == "hello"


def test_behind_the_last_model_there_is_none() -> None:
    model, _ = after(Speaker(ends=False), Speaker("half", ends=False))
    with pytest.raises(BrokenOff) as broken:
        anyio.run(streamed, model)
    assert broken.value.rest is None
