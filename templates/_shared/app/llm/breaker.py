"""A circuit breaker for one provider: after repeated failures it is left alone for a while, then probed once."""

import time
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from enum import StrEnum
from typing import Any

import structlog
from pydantic_ai import RunContext
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelConnectionError,
    ModelRateLimitError,
    ModelRequestTimeout,
    ModelServerError,
    ModelUnavailableError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings, merge_model_settings

from app.llm.wholeness import require_end, watch_end

# What says that the provider is ill: overload, errors, silence, nonsense. A rejected request (400, 401, 404) says
# something about the request.
ILLNESS = (
    ModelRateLimitError,
    ModelServerError,
    ModelUnavailableError,
    ModelConnectionError,
    ModelRequestTimeout,
    UnexpectedModelBehavior,
)


SILENT_SHARE = 0.9  # of its time; who measures outside has started a little earlier

log = structlog.get_logger()


class State(StrEnum):
    """Closed: calls pass. Open: none does. Half-open: one probe passes, and its outcome decides."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class ProviderPaused(ModelAPIError):
    """The provider failed too often and is left alone until its pause ends."""


class Breaker:
    """Opens after `failures` in a row, for `pause_seconds` or as long as the provider asked for.

    M. Nygard, "Release It!", 2nd edition, chapter 5, "Circuit Breaker".
    """

    def __init__(
        self, name: str, failures: int, pause_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._limit = failures
        self._pause = pause_seconds
        self._clock = clock
        self._failed = 0
        self._closed_from = 0.0
        self._probing = False

    @property
    def state(self) -> State:
        """Where it stands now."""
        if self._failed < self._limit:
            return State.CLOSED
        return State.OPEN if self._clock() < self._closed_from else State.HALF_OPEN

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Around one call: refuse it while open, and learn from its outcome.

        Raises:
            ProviderPaused: the breaker is open, or another call is the probe.
        """
        state = self.state
        if state is State.OPEN or (state is State.HALF_OPEN and self._probing):
            raise ProviderPaused(self.name, f"{self.name} is paused after {self._failed} failures")
        self._probing = state is State.HALF_OPEN
        if self._probing:
            self._tell("a paused provider is probed")
        try:
            yield
        except (ModelAPIError, UnexpectedModelBehavior) as error:
            self._learn(error)
            raise
        else:
            self._close()
        finally:
            if state is State.HALF_OPEN:
                self._probing = False

    @contextmanager
    def wait(self, seconds: float | None) -> Iterator[None]:
        """Around a wait that somebody cancels after `seconds`: then it was the provider's silence, and counts.

        A caller who leaves earlier says nothing about the provider.
        """
        started = self._clock()
        try:
            yield
        except CancelledError:
            if seconds and self._clock() - started >= seconds * SILENT_SHARE:
                self._fail()
            raise

    def _learn(self, error: ModelAPIError | UnexpectedModelBehavior) -> None:
        if not is_illness(error):
            self._close()  # it answered, if only to say no
            return
        self._fail(wait_asked(error) or 0)

    def _fail(self, pause_asked: float = 0) -> None:
        before = self.state
        self._failed += 1
        self._closed_from = self._clock() + max(self._pause, pause_asked)
        if self.state is State.OPEN and before is not State.OPEN:
            self._tell("a provider is paused")

    def _close(self) -> None:
        before, self._failed = self.state, 0
        if before is not State.CLOSED:
            self._tell("a provider answers again")

    def _tell(self, what: str) -> None:
        log.warning(what, provider=self.name, state=self.state.value, failures=self._failed)


def is_illness(error: Exception) -> bool:
    """Whether the provider is to blame, so that waiting or another provider may help; a content filter is not ill.

    What cannot be decoded has no class of its own: it comes as the plain base class.
    """
    ill = isinstance(error, ILLNESS) or type(error) is ModelAPIError
    return ill and not isinstance(error, ContentFilterError)


def wait_asked(error: Exception) -> float | None:
    """Seconds that the provider asked to wait, if it did."""
    return error.retry_after if isinstance(error, ModelAPIError) else None


class GuardedModel(WrapperModel):
    """A provider's model behind its breaker, which counts half an answer as a failure.

    `own` are settings that only this provider understands.
    """

    def __init__(self, wrapped: Model, breaker: Breaker, own: ModelSettings | None = None) -> None:
        super().__init__(wrapped)
        self._breaker = breaker
        self._own = own

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        settings = merge_model_settings(model_settings, self._own)
        with self._breaker.watch(), self._breaker.wait(time_of(settings)):
            response = await self.wrapped.request(messages, settings, model_request_parameters)
            require_end(response)
            return response

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        settings = merge_model_settings(model_settings, self._own)
        opening = self.wrapped.request_stream(messages, settings, model_request_parameters, run_context)
        async with AsyncExitStack() as stack:
            stack.enter_context(self._breaker.watch())
            with self._breaker.wait(time_of(settings)):
                stream = await stack.enter_async_context(opening)
            watch_end(stream)
            yield stream


def time_of(settings: ModelSettings | None) -> float | None:
    """Seconds after which a request with these settings is given up, if ever."""
    return (settings or {}).get("request_timeout")
