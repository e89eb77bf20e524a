"""The gateway against real HTTP in each provider's own format: answers, failures, failover, no double charge."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeVar

import pytest
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelRequest, ModelResponse

from tests.gateway.provider_server import ProviderServer
from tests.gateway.wire_formats import TEXT, USAGE

if TYPE_CHECKING:
    from app.llm.gateway import Gateway

pytestmark = pytest.mark.slow
HELLO = [ModelRequest.user_text_prompt("When do the doors open?")]
MODELS = {
    "openai": "openai:gpt-5-mini",
    "azure": "azure:gpt-5-mini",
    "compatible": "ollama:served",
    "anthropic": "anthropic:claude-haiku-4-5",
    "gemini": "google:gemini-2.5-flash",
    "bedrock": "bedrock:anthropic.claude-haiku-4-5",
}
FAILOVER_SECONDS = 0.1
HANG_LIMIT = 0.5  # seconds
ROUNDS = 3  # a busy machine may be late once, but not every time
Result = TypeVar("Result")
Ask = Callable[["Gateway"], Awaitable[tuple[ModelResponse, float]]]


def gateway(primary: str, fallback: str | None = None, **settings: float) -> Gateway:
    from app.llm.factory import build_gateway
    from app.settings import LLMSettings

    models = {"primary": MODELS[primary], "fallback": MODELS[fallback] if fallback else "none"}
    return build_gateway(LLMSettings.model_validate({**models, "retries": 0, **settings}))


def run(gateway: Gateway, job: Callable[[], Coroutine[None, None, Result]]) -> Result:
    """Run a job and close the providers' connections after it."""

    async def opened() -> Result:
        async with AsyncExitStack() as stack:
            for model in gateway.models.values():
                await stack.enter_async_context(model)
            return await job()

    return asyncio.run(opened())


async def stream(gateway: Gateway) -> tuple[ModelResponse, float]:
    """The response, and when its first event came."""
    first = 0.0
    async with model_request_stream(gateway.choose("Why?")[0], HELLO) as response:
        async for _ in response:
            first = first or time.perf_counter()
        return response.get(), first


async def whole(gateway: Gateway) -> tuple[ModelResponse, float]:
    """The response, and when it came."""
    response = await model_request(gateway.choose("Why?")[0], HELLO)
    return response, time.perf_counter()


def another(name: str) -> str:
    """The provider that takes over."""
    return "anthropic" if name != "anthropic" else "openai"


def warm_up(server: ProviderServer, *names: str) -> None:
    """What Python prepares for the first call to a provider is not the failover's."""
    for name in names:
        gate = gateway(name)
        run(gate, lambda: stream(gate))  # noqa: B023 - it is run at once
    server.providers.clear()
    server.charged.clear()


def used(response: ModelResponse) -> tuple[int, int]:
    return response.usage.input_tokens, response.usage.output_tokens


@pytest.mark.parametrize("name", MODELS)
def test_a_streamed_answer_arrives_with_its_tokens(server: ProviderServer, name: str) -> None:
    gate = gateway(name)
    response, _ = run(gate, lambda: stream(gate))
    assert (response.text, used(response)) == (TEXT, USAGE)
    assert server[name].calls == 1


@pytest.mark.parametrize("name", MODELS)
def test_a_whole_answer_arrives_with_its_tokens(server: ProviderServer, name: str) -> None:
    gate = gateway(name)
    response = run(gate, lambda: model_request(gate.choose("Why?")[0], HELLO))
    assert (response.text, used(response)) == (TEXT, USAGE)


@pytest.mark.parametrize("first_call", [True, False], ids=["first", "second"])
@pytest.mark.parametrize("ask", [stream, whole])
@pytest.mark.parametrize("behave", [429, 500, 503, 401, "garbage", "empty"])
@pytest.mark.parametrize("name", MODELS)
def test_a_failure_moves_on_at_once_and_is_tried_once(
    server: ProviderServer, name: str, behave: int | str, ask: Ask, first_call: bool
) -> None:
    other = another(name)
    warm_up(server, name, other)
    server[name].behave = behave
    calls = 1 if first_call else 2
    quickest = math.inf

    async def several() -> float:
        for _ in range(calls):
            response, answered = await ask(gate)
            assert response.text == TEXT
        return answered - server[name].finished

    for rounds in range(1, ROUNDS + 1):
        gate = gateway(name, other)
        quickest = min(quickest, run(gate, several))
        assert (server[name].calls, server.charged) == (calls * rounds, {other: calls * rounds})
        if quickest < FAILOVER_SECONDS:
            return
    pytest.fail(f"the quickest failover took {quickest:.3f} s")


@pytest.mark.parametrize("ask", [stream, whole])
@pytest.mark.parametrize("name", MODELS)
def test_silence_moves_on_when_its_time_is_up(server: ProviderServer, name: str, ask: Ask) -> None:
    other = another(name)
    warm_up(server, name, other)
    server[name].behave = "hang"

    for rounds in range(1, ROUNDS + 1):
        gate = gateway(name, other, timeout_seconds=HANG_LIMIT, breaker_failures=1)
        response, seconds = run(gate, lambda gate=gate: timed(ask, gate))
        assert (response.text, server.charged) == (TEXT, {other: rounds})
        assert sorted(gate.states().values()) == ["closed", "open"]
        assert seconds > HANG_LIMIT
        if seconds < HANG_LIMIT + FAILOVER_SECONDS:
            return
    pytest.fail(f"the last failover took {seconds:.3f} s")


async def timed(ask: Ask, gate: Gateway) -> tuple[ModelResponse, float]:
    """The answer, and the seconds until its first event, or until it came whole."""
    started = time.perf_counter()
    response, answered = await ask(gate)
    return response, answered - started


@pytest.mark.parametrize("behave", ["garbage", "empty"])
@pytest.mark.parametrize("name", MODELS)
def test_nonsense_counts_against_its_provider(server: ProviderServer, name: str, behave: str) -> None:
    server[name].behave = behave
    gate = gateway(name, another(name), breaker_failures=1)
    run(gate, lambda: stream(gate))
    assert sorted(gate.states().values()) == ["closed", "open"]


@pytest.mark.parametrize("behave", ["cut", "short", "torn"])
@pytest.mark.parametrize("name", MODELS)
def test_a_stream_that_ends_in_the_middle_is_an_error_and_the_models_behind_it_can_be_asked(
    server: ProviderServer, name: str, behave: str
) -> None:
    from app.llm.gateway import BrokenOff

    server[name].behave = behave
    gate = gateway(name, another(name), breaker_failures=1)

    async def ask_the_rest() -> str | None:
        with pytest.raises(BrokenOff, match="did not answer") as broken:
            await stream(gate)
        assert broken.value.rest
        return (await model_request(broken.value.rest, HELLO)).text

    assert run(gate, ask_the_rest) == TEXT
    assert (server[name].calls, server[another(name)].calls) == (1, 1)
    assert sorted(gate.states().values()) == ["closed", "open"]


def test_a_dead_provider_is_called_three_times_and_then_spared(server: ProviderServer) -> None:
    server["openai"].behave = 503
    gate = gateway("openai", "anthropic")

    async def several() -> list[str | None]:
        return [(await stream(gate))[0].text for _ in range(8)]

    assert run(gate, several) == [TEXT] * 8
    assert server["openai"].calls == 3
    assert server["anthropic"].calls == 8
    assert {name: state.value for name, state in gate.states().items()} == {"openai": "open", "anthropic": "closed"}


def test_no_request_is_lost_when_a_provider_dies_under_load(server: ProviderServer) -> None:
    gate = gateway("openai", "anthropic")

    async def burst() -> list[str | None]:
        first = [asyncio.create_task(stream(gate)) for _ in range(20)]
        server["openai"].behave = 500
        second = [asyncio.create_task(stream(gate)) for _ in range(20)]
        return [(await task)[0].text for task in (*first, *second)]

    assert run(gate, burst) == [TEXT] * 40
    assert sum(server.charged.values()) == 40


def test_the_wait_that_a_provider_asks_for_is_kept(server: ProviderServer) -> None:
    server["openai"].behave = 429
    server["openai"].retry_after = "1"
    gate = gateway("openai", retries=1)

    async def recover() -> tuple[str | None, float]:
        started = time.perf_counter()
        task = asyncio.create_task(stream(gate))
        await asyncio.sleep(0.3)
        server["openai"].behave = "ok"
        return (await task)[0].text, time.perf_counter() - started

    text, seconds = run(gate, recover)
    assert text == TEXT
    assert 1 <= seconds < 3
    assert server["openai"].calls == 2
