"""Breaker, failover, retries and deadline, with models that fail on command."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import anyio
import pytest
import structlog
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelHTTPError,
    ModelRateLimitError,
    ModelServerError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from app.errors import ConfigurationError, ModelUnavailable
from app.evals.judges import judge_model
from app.llm import gateway
from app.llm.breaker import Breaker, GuardedModel, ProviderPaused, State
from app.llm.factory import build_gateway
from app.llm.gateway import Gateway, ResilientModel
from app.llm.routing import Tier, route
from app.settings import LLMSettings

HELLO = [ModelRequest.user_text_prompt("Hello?")]


class Script:
    """A provider that does what the next entry says: answer with a text, raise, or hang for some seconds."""

    def __init__(self, *entries: str | Exception | float) -> None:
        self._entries: Iterator[str | Exception | float] = iter(entries)
        self.calls = 0

    async def _next(self) -> str:
        self.calls += 1
        entry = next(self._entries)
        if isinstance(entry, Exception):
            raise entry
        if isinstance(entry, float):
            await anyio.sleep(entry)
            return "late"
        return entry

    async def answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts=[TextPart(await self._next())])

    async def stream(self, messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield await self._next()

    def model(self, breaker: Breaker | None = None) -> GuardedModel:
        function = FunctionModel(self.answer, stream_function=self.stream, model_name="scripted")
        return GuardedModel(function, breaker or Breaker("scripted", failures=100, pause_seconds=30))


class Clock:
    """A time that moves only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "FIRST_PAUSE_SECONDS", 0.01)


def down(retry_after: float | None = None) -> ModelServerError:
    return ModelServerError("scripted", "overloaded", retry_after=retry_after)


def ask(*scripts: Script, **settings: float) -> str:
    model = ResilientModel([script.model() for script in scripts], LLMSettings.model_validate(settings))

    return anyio.run(whole, model)


async def whole(model: ResilientModel) -> str:
    return (await model_request(model, HELLO)).text or ""


async def streamed(model: ResilientModel) -> str:
    async with model_request_stream(model, HELLO) as stream:
        async for _ in stream:
            pass
        return stream.get().text or ""


def test_the_fallback_answers_when_the_primary_fails() -> None:
    primary, fallback = Script(down()), Script("hello")
    assert ask(primary, fallback) == "hello"
    assert (primary.calls, fallback.calls) == (1, 1)


def test_a_stream_falls_over_before_its_first_word() -> None:
    model = ResilientModel([Script(down()).model(), Script("hello").model()], LLMSettings.model_validate({}))
    assert anyio.run(streamed, model) == "hello"


def test_another_round_helps_when_every_model_was_busy() -> None:
    primary, fallback = Script(down(), down()), Script(down(), "hello")
    assert ask(primary, fallback, retries=1) == "hello"
    assert (primary.calls, fallback.calls) == (2, 2)


def test_no_further_round_for_a_request_that_was_rejected() -> None:
    script = Script(ModelHTTPError(400, "scripted", "bad request"), "hello")
    with pytest.raises(ModelUnavailable, match="bad request"):
        ask(script, retries=5)
    assert script.calls == 1


def test_no_wait_beyond_the_deadline() -> None:
    script = Script(ModelRateLimitError("scripted", "slow down", retry_after=60), "hello")
    with pytest.raises(ModelUnavailable, match="slow down"):
        ask(script, deadline_seconds=5, retries=5)
    assert script.calls == 1


@pytest.mark.parametrize("wait", [0.05, 0.2])
def test_the_wait_that_a_provider_asks_for_is_kept(wait: float) -> None:
    async def request() -> float:
        script = Script(ModelRateLimitError("scripted", "slow down", retry_after=wait), "hello")
        model = ResilientModel([script.model()], LLMSettings.model_validate({}))
        started = anyio.current_time()
        await streamed(model)
        return anyio.current_time() - started

    assert wait <= anyio.run(request) < wait + 1


def test_a_hanging_model_gives_way_within_its_share_of_the_deadline() -> None:
    assert ask(Script(30.0), Script("hello"), deadline_seconds=0.4, timeout_seconds=30) == "hello"


def test_all_models_down_is_one_error_that_names_them() -> None:
    with pytest.raises(ModelUnavailable, match=r"overloaded; overloaded.*Try again"):
        ask(Script(down()), Script(down()), retries=0)


def test_a_breaker_opens_and_spares_the_provider() -> None:
    breaker = Breaker("scripted", failures=3, pause_seconds=30, clock=Clock())
    script = Script(*[down()] * 8)
    model = ResilientModel([script.model(breaker), Script(*["hello"] * 8).model()], LLMSettings.model_validate({}))
    assert [anyio.run(streamed, model) for _ in range(8)] == ["hello"] * 8
    assert script.calls == 3
    assert breaker.state is State.OPEN


def silent(breaker: Breaker) -> ResilientModel:
    """A model that hangs behind `breaker`, and one that answers; each gets half a second."""
    limits = LLMSettings.model_validate({"deadline_seconds": 1.0})
    return ResilientModel([Script(30.0, 30.0).model(breaker), Script("hello", "hello").model()], limits)


def test_silence_counts_like_an_error() -> None:
    for speak in (streamed, whole):
        breaker = Breaker("scripted", failures=1, pause_seconds=30)
        assert anyio.run(speak, silent(breaker)) == "hello"
        assert breaker.state is State.OPEN


def test_a_caller_who_does_not_wait_says_nothing_about_the_provider() -> None:
    async def impatient(speak: Callable[[ResilientModel], Awaitable[str]], model: ResilientModel) -> None:
        with anyio.move_on_after(0.05):
            await speak(model)

    for speak in (streamed, whole):
        breaker = Breaker("scripted", failures=1, pause_seconds=30)
        anyio.run(impatient, speak, silent(breaker))
        assert breaker.state is State.CLOSED


def test_one_probe_decides_whether_a_breaker_closes() -> None:
    clock = Clock()
    breaker = Breaker("scripted", failures=1, pause_seconds=30, clock=clock)
    fail(breaker, down())
    clock.now = 31
    with breaker.watch(), pytest.raises(ProviderPaused), breaker.watch():
        pass
    assert breaker.state is State.CLOSED


def test_a_failed_probe_opens_the_breaker_again() -> None:
    clock = Clock()
    breaker = Breaker("scripted", failures=2, pause_seconds=30, clock=clock)
    fail(breaker, down())
    fail(breaker, down())
    clock.now = 31
    assert breaker.state is State.HALF_OPEN
    fail(breaker, down())
    assert breaker.state is State.OPEN


def test_a_pause_is_at_least_as_long_as_the_provider_asked_for() -> None:
    clock = Clock()
    breaker = Breaker("scripted", failures=1, pause_seconds=30, clock=clock)
    fail(breaker, down(retry_after=120))
    clock.now = 100
    assert breaker.state is State.OPEN


def test_a_rejected_request_does_not_count_against_its_provider() -> None:
    breaker = Breaker("scripted", failures=1, pause_seconds=30)
    fail(breaker, ModelHTTPError(400, "scripted", "bad request"))
    assert breaker.state is State.CLOSED


def test_a_question_that_a_content_filter_stops_does_not_count_against_its_provider() -> None:
    breaker = Breaker("scripted", failures=1, pause_seconds=30)
    fail(breaker, ContentFilterError("no"))
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("error", [UnexpectedModelBehavior("half a reply"), ModelAPIError("scripted", "no JSON")])
def test_nonsense_counts_like_an_error(error: Exception) -> None:
    breaker = Breaker("scripted", failures=1, pause_seconds=30)
    fail(breaker, error)
    assert breaker.state is State.OPEN


def test_a_reader_who_leaves_does_not_count_and_frees_the_probe() -> None:
    clock = Clock()
    breaker = Breaker("scripted", failures=1, pause_seconds=30, clock=clock)
    fail(breaker, down())
    clock.now = 31
    with pytest.raises(GeneratorExit), breaker.watch():
        raise GeneratorExit
    with breaker.watch():
        pass
    assert breaker.state is State.CLOSED


def fail(breaker: Breaker, error: Exception) -> None:
    with pytest.raises(type(error)), breaker.watch():
        raise error


@pytest.mark.parametrize(
    ("question", "tier"),
    [
        ("What does F17 mean?", Tier.SMALL),
        ("How many leave days do I have?", Tier.SMALL),
        ("How do I hand over a locker bank?", Tier.LARGE),
        ("Compare the refund terms of 2025 and 2026, and explain which applies to an order from December?", Tier.LARGE),
        ("", Tier.SMALL),
    ],
)
def test_complex_questions_go_to_the_large_model(question: str, tier: Tier) -> None:
    chosen = route(question, threshold=0.35)
    assert chosen.tier is tier
    assert f"{chosen.complexity:.2f} against 0.35" in chosen.reason


def test_without_a_small_model_everything_goes_to_the_large_one() -> None:
    large = Script("hello").model()
    model, chosen = Gateway({Tier.LARGE: large}, {}, 0.35).choose("What does F17 mean?")
    assert model is large
    assert chosen.tier is Tier.LARGE


def test_an_unknown_model_is_refused_with_the_name_of_its_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"APP_LLM__SMALL='nothing:at-all'"):
        build_gateway(LLMSettings.model_validate({"primary": "test", "small": "nothing:at-all"}))


def test_the_log_tells_when_a_provider_is_paused_probed_and_back() -> None:
    clock = Clock()
    breaker = Breaker("scripted", failures=2, pause_seconds=30, clock=clock)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            fail(breaker, down())
        clock.now = 31
        fail(breaker, down())
        clock.now = 62
        with breaker.watch():
            pass
    told = [(line["event"], line["provider"], line["state"], line["failures"]) for line in logs]
    assert told == [
        ("a provider is paused", "scripted", "open", 2),
        ("a paused provider is probed", "scripted", "half-open", 2),
        ("a provider is paused", "scripted", "open", 3),
        ("a paused provider is probed", "scripted", "half-open", 3),
        ("a provider answers again", "scripted", "closed", 0),
    ]


def test_calls_that_fail_after_a_provider_was_paused_are_not_told_again() -> None:
    breaker = Breaker("scripted", failures=1, pause_seconds=30)

    def call_late() -> None:
        with breaker.watch():
            fail(breaker, down())
            raise down()

    with structlog.testing.capture_logs() as logs, pytest.raises(ModelServerError):
        call_late()
    assert [line["event"] for line in logs] == ["a provider is paused"]


@pytest.mark.parametrize("speak", [streamed, whole])
def test_the_log_tells_who_answers_instead_and_why_but_not_what_the_provider_said(
    speak: Callable[[ResilientModel], Awaitable[str]],
) -> None:
    refusal = ModelRateLimitError("scripted", "the key sk-1 asked: Hello?")
    model = ResilientModel([Script(refusal).model(), Script("hello").model()], LLMSettings.model_validate({}))
    with structlog.testing.capture_logs() as logs:
        anyio.run(speak, model)
    assert logs == [
        {
            "event": "another model answers",
            "log_level": "warning",
            "instead_of": "scripted",
            "model": "scripted",
            "why": "ModelRateLimitError",
        }
    ]


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ("nothing:at-all", "Write it as PROVIDER:MODEL"),
        ("gpt-5-mini", "Write it as PROVIDER:MODEL"),
        ("mistral:large", "Add that extra to"),
        ("ollama:qwen3", "Set the provider's key"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_with_what_helps(
    model: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OLLAMA_BASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match=f"APP_LLM__PRIMARY='{model}'.*{remedy}"):
        build_gateway(LLMSettings.model_validate({"primary": model}))


def test_a_judge_that_cannot_be_used_is_refused_by_its_own_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"APP_LLM__JUDGE='nothing:at-all'"):
        judge_model(LLMSettings.model_validate({"judge": "nothing:at-all"}))
