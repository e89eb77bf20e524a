"""The one door to language models: retries where they help, falls over where they do not, keeps one deadline."""

import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import structlog
from pydantic_ai import RunContext
from pydantic_ai.exceptions import FallbackExceptionGroup, ModelAPIError, UnexpectedModelBehavior
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings, merge_model_settings

from app.errors import ModelUnavailable
from app.llm.breaker import Breaker, State, is_illness, wait_asked
from app.llm.routing import Route, Tier, route
from app.settings import LLMSettings

FIRST_PAUSE_SECONDS = 0.5
FAILURES = (ModelAPIError, UnexpectedModelBehavior)
ANSWERED_BY = "answered_by"  # in a response's metadata

log = structlog.get_logger()


class BrokenOff(ModelUnavailable):
    """A stream broke after its first event. `rest` are the models behind the one that broke, if there are any.

    Who has not shown anything of it yet can ask them, within what is left of the deadline.
    """

    def __init__(self, message: str, rest: "ResilientModel | None") -> None:
        super().__init__(message, "Try again in a moment.")
        self.rest = rest


class ResilientModel(WrapperModel):
    """Guarded models in order of preference, behind one model's interface.

    A failure moves on to the next model at once. Only when all have failed is it worth waiting: as long as a provider
    asked for, or twice as long each time, while the deadline allows. A stream counts as begun with its first event;
    what breaks later is the caller's to decide, because text that a reader has seen cannot be taken back.
    """

    def __init__(self, models: Sequence[Model], settings: LLMSettings, patience: "Patience | None" = None) -> None:
        super().__init__(FallbackModel(*models, fallback_on=FAILURES))
        self._models = models
        self._limits = settings
        self._patience = patience

    @property
    def model_name(self) -> str:
        return self._models[0].model_name

    @property
    def system(self) -> str:
        return self._models[0].system

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """One response.

        Raises:
            ModelUnavailable: no model answered within the deadline.
        """
        patience = self._patience or Patience(self._limits)
        with told_as_unavailable():
            while True:
                settings = self._attempt(model_settings, patience.left)
                try:
                    response = await self.wrapped.request(messages, settings, model_request_parameters)
                    self._sign(response)
                    return response
                except (*FAILURES, FallbackExceptionGroup) as error:
                    await patience.wait_or_raise(error)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """One stream, handed over with its first event.

        Raises:
            ModelUnavailable: no model began to answer within the deadline.
            BrokenOff: the stream broke.
        """
        patience = self._patience or Patience(self._limits)
        begun: StreamedResponse | None = None

        def opening() -> AbstractAsyncContextManager[StreamedResponse]:
            settings = self._attempt(model_settings, patience.left)
            return self.wrapped.request_stream(messages, settings, model_request_parameters, run_context)

        with told_as_unavailable():
            try:
                async with AsyncExitStack() as stack:
                    begun = await begin(opening, stack, patience)
                    self._sign(begun)
                    yield begun
            except FAILURES as error:
                if begun is None:
                    raise
                raise self._broken_off(begun, patience, error) from error

    def _broken_off(self, stream: StreamedResponse, patience: "Patience", error: Exception) -> BrokenOff:
        """What to tell of a stream that broke, with the models that were not asked yet."""
        asked = len(stream.failed_attempts or []) + 1
        log.warning("an answer broke off", model=self._models[asked - 1].model_name, why=type(error).__name__)
        behind = self._models[asked:]
        rest = ResilientModel(behind, self._limits, patience) if behind else None
        return BrokenOff(f"The model did not answer: {error}", rest)

    def _sign(self, response: ModelResponse | StreamedResponse) -> None:
        """Note in a response which model it is from, and log those that failed before."""
        failed = response.failed_attempts or []
        name = self._models[len(failed)].model_name
        response.metadata = {**(response.metadata or {}), ANSWERED_BY: name}
        for attempt in failed:
            why = (attempt.error or "").partition(":")[0]  # the rest may quote the request
            log.warning("another model answers", instead_of=attempt.model_name, why=why, model=name)

    def _attempt(self, asked: ModelSettings | None, seconds_left: float) -> ModelSettings:
        """The time left is shared between the models that may be tried."""
        share = max(seconds_left, 0.001) / len(self._models)
        own = ModelSettings(request_timeout=min(self._limits.timeout_seconds, share))
        return merge_model_settings(asked, own) or own


async def begin(
    opening: Callable[[], AbstractAsyncContextManager[StreamedResponse]], stack: AsyncExitStack, patience: "Patience"
) -> StreamedResponse:
    """A stream with its first event, after as many rounds as make sense; `stack` closes it."""
    while True:
        try:
            return await stack.enter_async_context(opening())
        except (*FAILURES, FallbackExceptionGroup) as error:
            await patience.wait_or_raise(error)


class Patience:
    """How long one request may still wait, and for what."""

    def __init__(self, settings: LLMSettings) -> None:
        self._ends = time.monotonic() + settings.deadline_seconds
        self._retries = settings.retries
        self._pause = FIRST_PAUSE_SECONDS

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self._ends - time.monotonic()

    async def wait_or_raise(self, error: Exception) -> None:
        """Sleep until the next attempt makes sense; raise `error` when none does."""
        pause = max(self._pause, shortest_wait(error) or 0)
        if self._retries == 0 or shortest_wait(error) is None or pause >= self.left:
            raise error
        self._retries -= 1
        self._pause *= 2
        await anyio.sleep(pause)


def shortest_wait(error: Exception) -> float | None:
    """Seconds after which one of the failed providers may answer; None when waiting helps with none of them."""
    failures = error.exceptions if isinstance(error, FallbackExceptionGroup) else [error]
    waits = [wait_asked(failure) or 0.0 for failure in failures if is_illness(failure)]
    return min(waits, default=None)


@contextmanager
def told_as_unavailable() -> Iterator[None]:
    """Every way in which providers fail becomes one error that says what to do."""
    try:
        yield
    except FallbackExceptionGroup as group:
        told = "; ".join(str(error) for error in group.exceptions)
        raise ModelUnavailable(f"No model answered: {told}", "Try again in a moment.") from group
    except FAILURES as error:
        raise ModelUnavailable(f"The model did not answer: {error}", "Try again in a moment.") from error


def answered_by(response: ModelResponse) -> str | None:
    """The model that a response is from, by its name in the settings where the gateway noted it."""
    name: str | None = (response.metadata or {}).get(ANSWERED_BY, response.model_name)
    return name


@dataclass(frozen=True)
class Gateway:
    """The models of each tier and the breakers of their providers."""

    models: Mapping[Tier, Model]
    breakers: Mapping[str, Breaker]
    threshold: float

    def choose(self, question: str) -> tuple[Model, Route]:
        """The model for a question and why; without a small model everything goes to the large one."""
        if Tier.SMALL not in self.models:
            return self.models[Tier.LARGE], Route(Tier.LARGE, 1.0, "no small model is set")
        chosen = route(question, self.threshold)
        return self.models[chosen.tier], chosen

    def states(self) -> dict[str, State]:
        """The breaker of each provider, as an operator wants to see it."""
        return {name: breaker.state for name, breaker in self.breakers.items()}
