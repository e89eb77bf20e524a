"""The gateway against real HTTP in each provider's own format: answers, failures, failover, no double charge."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelRequest, ModelResponse

from tests.gateway.provider_server import ProviderServer, serve_providers
from tests.gateway.wire_formats import TEXT, USAGE

sys.path[:0] = [str(Path(__file__).parents[2] / "templates" / part) for part in ("_shared", "rag-platform")]

if TYPE_CHECKING:
    from app.llm.gateway import Gateway

pytestmark = pytest.mark.slow
HELLO = [ModelRequest.user_text_prompt("When do the doors open?")]
MODELS = {
    "openai": "openai:gpt-5-mini",
    "compatible": "ollama:served",
    "anthropic": "anthropic:claude-haiku-4-5",
    "gemini": "google:gemini-2.5-flash",
    "bedrock": "bedrock:anthropic.claude-haiku-4-5",
}
FAILOVER_SECONDS = 0.1
Result = TypeVar("Result")


@pytest.fixture(scope="module")
def running() -> Iterator[ProviderServer]:
    with serve_providers() as server:
        yield server


@pytest.fixture
def server(running: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> ProviderServer:
    running.providers.clear()
    running.charged.clear()
    for name, value in {
        "OPENAI_API_KEY": "x",
        "OPENAI_BASE_URL": f"{running.url}/openai/v1",
        "OLLAMA_BASE_URL": f"{running.url}/compatible/v1",
        "ANTHROPIC_API_KEY": "x",
        "ANTHROPIC_BASE_URL": f"{running.url}/anthropic",
        "GOOGLE_API_KEY": "x",
        "GOOGLE_GEMINI_BASE_URL": f"{running.url}/gemini",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{running.url}/bedrock",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    return running


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


@pytest.mark.parametrize("status", [429, 500, 503, 401])
@pytest.mark.parametrize("name", MODELS)
def test_a_refusal_moves_on_at_once_and_is_tried_once(server: ProviderServer, name: str, status: int) -> None:
    other = "anthropic" if name != "anthropic" else "openai"
    server[name].behave = status
    gate = gateway(name, other)

    async def twice() -> tuple[ModelResponse, float]:
        await stream(gate)  # what a client prepares on its first call is not the failover's
        return await stream(gate)

    response, first = run(gate, twice)
    assert response.text == TEXT
    assert server[name].calls == 2
    assert first - server[name].finished < FAILOVER_SECONDS
    assert server.charged == {other: 2}


@pytest.mark.parametrize("behave", ["garbage", "empty", "hang"])
@pytest.mark.parametrize("name", MODELS)
def test_nonsense_and_silence_move_on_too(server: ProviderServer, name: str, behave: str) -> None:
    other = "anthropic" if name != "anthropic" else "openai"
    server[name].behave = behave
    gate = gateway(name, other, deadline_seconds=2, breaker_failures=1)
    response, _ = run(gate, lambda: stream(gate))
    assert response.text == TEXT
    assert server.charged == {other: 1}
    assert sorted(gate.states().values()) == ["closed", "open"]


@pytest.mark.parametrize("behave", ["garbage", "empty"])
@pytest.mark.parametrize("name", MODELS)
def test_a_whole_answer_that_is_nonsense_moves_on(server: ProviderServer, name: str, behave: str) -> None:
    other = "anthropic" if name != "anthropic" else "openai"
    server[name].behave = behave
    gate = gateway(name, other)
    assert run(gate, lambda: model_request(gate.choose("Why?")[0], HELLO)).text == TEXT
    assert server.charged == {other: 1}


@pytest.mark.parametrize("behave", ["cut", "short", "torn"])
@pytest.mark.parametrize("name", MODELS)
def test_a_stream_that_ends_in_the_middle_is_an_error_and_never_half_an_answer(
    server: ProviderServer, name: str, behave: str
) -> None:
    from app.errors import ModelUnavailable

    server[name].behave = behave
    gate = gateway(name, "anthropic" if name != "anthropic" else "openai", breaker_failures=1)
    with pytest.raises(ModelUnavailable, match="did not answer"):
        run(gate, lambda: stream(gate))
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
