"""docs/cost.md assumes the tokens of the demo's run: those that the run itself and the page tell."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelMessage, ModelResponse

from app.agents import desk
from app.bootstrap import Platform, open_platform
from app.demo import GOAL
from app.memory.store import Memories
from app.product_settings import AgentSettings, MailSettings, SalesSettings
from app.runs.following import decision
from app.runs.records import Run, RunState
from app.runs.service import open_executor
from app.settings import Settings
from tests.unit.tool_calls import sample_database

PAGE = Path("docs/cost.md").read_text("utf-8")


def assumed(name: str) -> int:
    """The number in the row of this assumption."""
    return int(re.findall(rf"\| {name} \| (\d+)", PAGE)[0])


def test_the_assumed_tokens_and_calls_are_those_of_the_demo(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    async def counting(model: Any, messages: list[ModelMessage], **options: Any) -> ModelResponse:
        calls.append(model)
        return await model_request(model, messages, **options)

    monkeypatch.setattr(desk, "model_request", counting)
    mine = {
        "agent": AgentSettings(folder=tmp_path),
        "sales": SalesSettings(database=sample_database()),
        "mail": MailSettings(outbox=tmp_path / "outbox"),
    }
    with open_platform(settings.model_copy(update=mine)) as platform:
        run = asyncio.run(finished(platform))
    measured = {"input": run.input_tokens, "output": run.output_tokens}
    for direction, tokens in measured.items():
        told = assumed(f"{direction} tokens per run")
        assert abs(tokens - told) < 0.1 * told, f"docs/cost.md assumes {told} {direction} tokens, measured: {tokens}"
    assert len(calls) == assumed("model calls per run")


async def finished(platform: Platform) -> Run:
    """The demo's run to its end."""
    executor = open_executor(platform, Memories(platform))
    run = executor.create("page", GOAL)
    await executor.work(run.id)
    approval = executor.store.get(run.id, "page").approval
    assert approval
    executor.store.decide(run.id, "page", approval.id, decision(granted=True))
    await executor.work(run.id)
    ended = executor.store.get(run.id, "page")
    assert ended.state is RunState.SUCCEEDED
    return ended
