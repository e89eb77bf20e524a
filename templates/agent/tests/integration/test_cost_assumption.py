"""docs/cost.md assumes how long the demo's prompts and answers are; here all of its model calls are measured."""

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart
from pydantic_ai.models import ModelRequestParameters

from app.agents import desk
from app.bootstrap import Platform, open_platform
from app.demo import GOAL
from app.llm.offline import estimated_tokens
from app.memory.store import Memories
from app.product_settings import AgentSettings, SalesSettings
from app.runs.records import RunState
from app.runs.service import open_executor
from app.settings import Settings
from tests.unit.tool_calls import sample_database

PAGE = Path("docs/cost.md").read_text("utf-8")


def words_of(message: ModelMessage) -> int:
    """Characters of everything that a message says, calls of tools included."""
    said = [p.args_as_json_str() if isinstance(p, ToolCallPart) else getattr(p, "content", "") for p in message.parts]
    return sum(len(str(text)) for text in said)


def prompt(messages: Sequence[ModelMessage], tools: ModelRequestParameters) -> int:
    """Tokens of a request: instructions, conversation and the definitions of the tools."""
    last = messages[-1]
    instructions = (last.instructions or "") if isinstance(last, ModelRequest) else ""
    schemas = [f"{t.name} {t.description} {json.dumps(t.parameters_json_schema)}" for t in tools.function_tools]
    return estimated_tokens(len(instructions) + sum(map(words_of, messages)) + sum(map(len, schemas)))


@pytest.fixture
def calls(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Input and output tokens of every model call of the demo's goal, up to its approval."""
    counted: list[tuple[int, int]] = []

    async def counting(model: Any, messages: list[ModelMessage], **options: Any) -> ModelResponse:
        response = await model_request(model, messages, **options)
        counted.append((prompt(messages, options["model_request_parameters"]), estimated_tokens(words_of(response))))
        return response

    monkeypatch.setattr(desk, "model_request", counting)
    mine = {"agent": AgentSettings(folder=tmp_path), "sales": SalesSettings(database=sample_database())}
    with open_platform(settings.model_copy(update=mine)) as platform:
        asyncio.run(work(platform))
    return counted


async def work(platform: Platform) -> None:
    """Pursue the goal until it waits for a person, which is one call and one note before its end."""
    executor = open_executor(platform, Memories(platform))
    run = executor.create("page", GOAL)
    await executor.work(run.id)
    assert executor.store.get(run.id, "page").state is RunState.WAITING


@pytest.mark.parametrize("direction", ["input", "output"])
def test_the_assumed_tokens_of_a_run_are_those_of_the_demo(calls: list[tuple[int, int]], direction: str) -> None:
    assumed = int(re.findall(rf"\| {direction} tokens per run \| (\d+)", PAGE)[0])
    measured = sum(call[direction == "output"] for call in calls)
    assert abs(measured - assumed) < 0.15 * assumed, f"docs/cost.md assumes {assumed}, measured: {measured}"


def test_the_assumed_calls_of_a_run_are_those_of_the_demo(calls: list[tuple[int, int]]) -> None:
    assumed = int(re.findall(r"\| model calls per run \| (\d+)", PAGE)[0])
    assert abs(len(calls) - assumed) <= 2
