"""What stands around the model call: repeats, budgets, the ledger, and answers while every provider is down."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from pydantic_ai.exceptions import ModelServerError
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from app.api.application import create_app
from app.bootstrap import Platform, open_platform
from app.ingestion.library import Library
from app.llm.alerts import BudgetAlerts
from app.llm.breaker import Breaker, GuardedModel
from app.llm.embedding import Kind, OfflineEmbedder
from app.llm.gateway import Gateway, ResilientModel
from app.llm.metering import Meter
from app.llm.routing import Tier
from app.llm.spending import Spending
from app.settings import BudgetSettings, CacheSettings, LLMSettings, Settings

LEAVE = b"# Leave\n\nUp to five unused days move into the next year."
QUESTION = {"question": "How many unused days move into the next year?"}
PROVEN = "Up to five unused days move into the next year. [1]\n"

PRIMARY, FALLBACK = "gpt-5-mini", "claude-haiku-4-5"

Script = Sequence[str | Exception]
Service = Callable[..., TestClient]


class ScriptedModel(FunctionModel):
    """A model that says what its script holds, at the price of OpenAI's model of that name."""

    def __init__(self, script: Script, name: str) -> None:
        async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
            for entry in script:
                if isinstance(entry, Exception):
                    raise entry
                yield entry

        super().__init__(stream_function=stream, model_name=name)

    @property
    def system(self) -> str:
        return "openai"


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """Opens the service with scripted providers: texts to stream, or an exception to raise after them."""
    stack = ExitStack()

    def open_service(
        *script: str | Exception, fallback: Script = (), budget: dict[str, float] | None = None, **cache: Any
    ) -> TestClient:
        live = settings.model_copy(
            update={
                "llm": LLMSettings.model_validate({"primary": "openai:gpt-5-mini", "retries": 0}),
                "budget": BudgetSettings.model_validate(budget or {}),
                "cache": CacheSettings.model_validate(cache),
            }
        )
        platform = stack.enter_context(open_platform(settings))
        platform = replace(platform, settings=live, gateway=scripted(script, fallback))
        platform = replace(platform, meter=metered(platform))
        asyncio.run(Library(platform).add("leave.md", LEAVE))
        caller = TestClient(create_app(platform), headers={"Authorization": "Bearer test-key"})
        return stack.enter_context(caller)

    with stack:
        yield open_service


def metered(platform: Platform) -> Meter:
    spending = Spending(platform.catalog.engine, platform.settings.budget)
    return Meter(spending, BudgetAlerts(""), platform.telemetry, platform.settings.llm.max_output_tokens)


def scripted(*scripts: Script) -> Gateway:
    """A gateway to a provider for each script that says something, in order of preference."""
    models = [
        GuardedModel(ScriptedModel(script, name), Breaker(name, 3, 30))
        for script, name in zip(scripts, (PRIMARY, FALLBACK), strict=False)
        if script
    ]
    return Gateway({Tier.LARGE: ResilientModel(models, LLMSettings.model_validate({"retries": 0}))}, {}, 0.35)


def ask(client: TestClient, **changes: Any) -> dict[str, Any]:
    response = client.post("/v1/ask", json={**QUESTION, **changes})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ask_for(client: TestClient, stream: bool) -> dict[str, Any]:
    """The answer, from the last event of a stream or at once."""
    if not stream:
        return ask(client)
    text = client.post("/v1/ask", json={**QUESTION, "stream": True}).text
    *_, event = text.strip().split("\n\n")
    name, data = event.split("\n")
    assert name == "event: answer", text
    answer: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return answer


def spent(client: TestClient) -> list[tuple[str, str, int]]:
    platform: Platform = client.app.state.platform  # type: ignore[attr-defined]
    lines = Spending(platform.catalog.engine, platform.settings.budget).lines(datetime.now(UTC).date())
    return [(line.feature, line.model, line.calls) for line in lines]


def test_a_question_asked_again_costs_nothing(service: Service) -> None:
    client = service(PROVEN)
    first, second = ask(client), ask(client)
    assert (first["cached"], second["cached"]) == (False, True)
    assert second["answer"] == first["answer"]
    assert second["usage"]["input_tokens"] == 0
    assert spent(client) == [("answer", "gpt-5-mini", 1)]


def test_a_new_document_empties_the_cache(service: Service) -> None:
    client = service(PROVEN)
    ask(client)
    asyncio.run(Library(client.app.state.platform).add("vpn.md", b"# VPN\n\nUse the VPN from home."))  # type: ignore[attr-defined]
    assert not ask(client)["cached"]


def test_other_filters_are_another_question(service: Service) -> None:
    client = service(PROVEN)
    ask(client)
    assert not ask(client, filters={"format": "md"})["cached"]


def test_a_nearly_equal_question_gets_the_answer_and_each_question_is_embedded_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[str] = []
    embed = OfflineEmbedder.embed

    async def counted(self: OfflineEmbedder, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        embedded.extend(texts)
        return await embed(self, texts, kind)

    client = service(PROVEN, semantic_threshold=0.8)
    monkeypatch.setattr(OfflineEmbedder, "embed", counted)
    near = "How many unused days move on into the next year?"
    asked = [ask(client, question=question) for question in (QUESTION["question"], near)]
    assert [answer["cached"] for answer in asked] == [False, True]
    assert embedded == [QUESTION["question"], near]


def test_the_cache_can_be_switched_off(service: Service) -> None:
    client = service(PROVEN, enabled=False)
    ask(client)
    assert not ask(client)["cached"]


def test_while_every_provider_is_down_sentences_are_copied_and_labelled(service: Service) -> None:
    client = service(ModelServerError("gpt-5-mini", "down"))
    answer = ask(client)
    assert answer["answer"] == "Up to five unused days move into the next year. [1]"
    assert (answer["degraded"], answer["offline"], answer["model"]) == (True, True, "offline-extractive")
    assert not ask(client)["cached"]


def test_the_fallback_is_named_and_charged_where_it_answered(service: Service) -> None:
    client = service(ModelServerError(PRIMARY, "down"), fallback=[PROVEN])
    answer = ask(client)
    assert (answer["model"], answer["degraded"]) == (FALLBACK, False)
    assert spent(client) == [("answer", FALLBACK, 1)]
    costs = [line for line in client.get("/metrics").text.splitlines() if line.startswith("model_cost_count")]
    assert len(costs) == 1
    assert f'model="{FALLBACK}"' in costs[0]


def test_a_fallbacks_answer_is_not_given_again_as_the_preferred_models(service: Service) -> None:
    client = service(ModelServerError(PRIMARY, "down"), fallback=[PROVEN])
    assert [ask(client)["cached"] for _ in range(2)] == [False, False]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_provider_that_breaks_off_before_a_reader_saw_anything_gives_way_to_the_next(
    service: Service, stream: bool
) -> None:
    client = service("Nobody ", "has proven this. ", ModelServerError(PRIMARY, "gone"), fallback=[PROVEN])
    answer = ask_for(client, stream)
    assert (answer["answer"], answer["model"]) == (PROVEN.strip(), FALLBACK)
    assert spent(client) == [("answer", FALLBACK, 1), ("answer", PRIMARY, 1)]


def test_who_gets_the_answer_at_once_gets_the_next_models_instead_of_half_of_it(service: Service) -> None:
    other = "Up to five unused days move. [1]\n"
    client = service(PROVEN, "And then ", ModelServerError(PRIMARY, "gone"), fallback=[other])
    answer = ask(client)
    assert (answer["answer"], answer["model"]) == (other.strip(), FALLBACK)
    assert len(answer["citations"]) == 1


def test_what_a_reader_saw_of_a_provider_that_breaks_off_is_never_taken_back(service: Service) -> None:
    client = service(PROVEN, "And then ", "more. [1]\n", ModelServerError(PRIMARY, "gone"), fallback=[PROVEN])
    text = client.post("/v1/ask", json={**QUESTION, "stream": True}).text
    assert [line for line in text.splitlines() if line.startswith("event:")] == ["event: delta", "event: error"]


def test_unproven_words_of_a_provider_that_broke_off_are_in_no_copied_answer(service: Service) -> None:
    client = service("Nobody has proven this. ", "And ", ModelServerError(PRIMARY, "gone"))
    answer = ask(client)
    assert (answer["answer"], answer["degraded"]) == (PROVEN.strip(), True)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("budget", "status", "title"),
    [
        ({"request_tokens": 50}, 429, "Too many tokens"),
        ({"key_tokens_per_day": 50}, 429, "Too many tokens"),
        ({"tokens_per_day": 50}, 429, "Too many tokens"),
        ({"request_usd": 0.000_1}, 402, "Budget exceeded"),
        ({"key_usd_per_day": 0.000_1}, 402, "Budget exceeded"),
        ({"usd_per_day": 0.000_1}, 402, "Budget exceeded"),
    ],
)
def test_a_request_beyond_the_budget_is_refused_before_the_model(
    service: Service, budget: dict[str, float], status: int, title: str, stream: bool
) -> None:
    client = service(PROVEN, budget=budget)
    response = client.post("/v1/ask", json={**QUESTION, "stream": stream})
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, response.json()["title"]) == (status, title)
    assert spent(client) == []


def test_the_gauges_of_an_operator_are_there(service: Service) -> None:
    client = service(PROVEN, budget={"tokens_per_day": 10_000})
    ask(client)
    text = client.get("/metrics").text
    assert "answer_cache_lookups_total{" in text
    assert "budget_used_ratio{" in text
    assert "ingestion_oldest_wait_seconds{" in text


def test_offline_answers_show_what_they_would_have_cost(settings: Settings) -> None:
    priced = settings.model_copy(update={"llm": LLMSettings.model_validate({"priced_as": "openai:gpt-5-mini"})})
    with open_platform(priced) as platform:
        asyncio.run(Library(platform).add("leave.md", LEAVE))
        with TestClient(create_app(platform), headers={"Authorization": "Bearer test-key"}) as client:
            usage = ask(client)["usage"]
    assert usage["priced_as"] == "openai:gpt-5-mini"
    assert 0 < usage["cost_usd"] < 0.01
