"""Answers over real HTTP while the first provider fails: none is lost, and each is charged once to who wrote it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.gateway.provider_server import ProviderServer, quote
from tests.gateway.test_provider_formats import FAILOVER_SECONDS, MODELS, ROUNDS, another
from tests.gateway.wire_formats import USAGE

if TYPE_CHECKING:
    from app.answering.assistant import Answer
    from app.bootstrap import Platform

pytestmark = pytest.mark.slow
LEAVE = b"# Leave\n\nUp to five unused days move into the next year."
QUESTION = "How many unused days move into the next year?"
PROVEN = "Up to five unused days move into the next year. [1]"
REPORT_EARLY = ("anthropic", "gemini")  # they tell the tokens with the first event, the others with the last
ONCE = {"calls": 1, "input_tokens": USAGE[0], "output_tokens": USAGE[1]}


class Asked(NamedTuple):
    """An answer, when its first text came, and what it added to the ledger."""

    answer: Answer
    first: float
    charged: Counter[tuple[str, str]]


@asynccontextmanager
async def service(project: Path, folder: Path, name: str) -> AsyncIterator[Platform]:
    """A library with one document, and two providers."""
    from app.bootstrap import open_platform
    from app.ingestion.library import Library
    from app.settings import Settings

    llm = {"primary": MODELS[name], "fallback": MODELS[another(name)], "retries": 0, "breaker_failures": 100}
    store = {"url": f"sqlite:///{folder}/app.db"}
    settings = Settings.model_validate({"llm": llm, "store": store, "prompts_dir": project / "prompts"})
    with open_platform(settings) as platform:
        await Library(platform).add("leave.md", LEAVE)
        async with AsyncExitStack() as stack:
            for model in platform.gateway.models.values():
                await stack.enter_async_context(model)
            yield platform


async def ask(platform: Platform, *, whole: bool) -> Asked:
    from app.answering.assistant import Assistant, Reply

    before = ledger(platform)
    async with aclosing(Assistant(platform).stream(QUESTION, whole=whole)) as parts:
        arrived = [(time.perf_counter(), part) async for part in parts]
    reply = arrived[-1][1]
    assert isinstance(reply, Reply)
    return Asked(reply.answer, arrived[0][0], ledger(platform) - before)


def ledger(platform: Platform) -> Counter[tuple[str, str]]:
    from app.llm.spending import Spending

    lines = Spending(platform.catalog.engine, platform.settings.budget).lines(datetime.now(UTC).date())
    return Counter({(line.model, count): getattr(line, count) for line in lines for count in ONCE})


def once(model: str) -> Counter[tuple[str, str]]:
    """What one call of this model adds to the ledger."""
    return Counter({(model, count): amount for count, amount in ONCE.items()})


def model_of(name: str) -> str:
    return MODELS[name].partition(":")[2]


@pytest.mark.parametrize("whole", [False, True], ids=["streamed", "whole"])
@pytest.mark.parametrize("behave", ["cut", "short", "torn", 503, "garbage", "empty"])
@pytest.mark.parametrize("name", MODELS)
def test_the_fallback_answers_what_no_reader_has_seen_and_is_charged_once(
    server: ProviderServer, project: Path, tmp_path: Path, name: str, behave: str | int, whole: bool
) -> None:
    server.speak = quote
    charged = once(model_of(another(name)))
    if name in REPORT_EARLY and behave in ("cut", "short", "torn"):
        charged += once(model_of(name))

    async def job() -> float:
        async with service(project, tmp_path, name) as platform:
            await ask(platform, whole=whole)
            server[name].behave = 503
            await ask(platform, whole=whole)  # both providers' clients are ready now
            server[name].behave = behave
            waited = []
            for _ in range(ROUNDS):
                answer, first, added = await ask(platform, whole=whole)
                waited.append(first - server[name].finished)
                assert (answer.answer, answer.model, answer.degraded) == (PROVEN, model_of(another(name)), False)
                assert added == charged
            return min(waited)

    assert asyncio.run(job()) < FAILOVER_SECONDS
    assert (server[name].calls, server[another(name)].calls) == (2 + ROUNDS, 1 + ROUNDS)
