"""Whatever a tool does, the call ends in time with a text that a model may read."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from app.errors import ConfigurationError, NotFound
from app.tools import toolbox
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed
from app.tools.toolbox import FAILURES, Breaker, Toolbox
from tests.unit.tool_calls import LIMIT, Anything, context, saying, use

Work = Callable[[Any, ToolContext], Awaitable[Outcome]]


class Number(BaseModel, extra="forbid"):
    """One number."""

    number: int


def failing(*errors: Exception, attempts: int = 1) -> tuple[Tool, list[int]]:
    """A tool that raises these errors in turn and then works, and how often it was called."""
    calls: list[int] = []

    async def work(arguments: Anything, context: ToolContext) -> Outcome:
        calls.append(1)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return Outcome("worked")

    return Tool("shaky", "Fails.", Permission.READ, Anything, work, attempts=attempts), calls


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox, "BACK_OFF_SECONDS", 0.0)


def test_a_tool_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    async def hang(arguments: Anything, context: ToolContext) -> Outcome:
        await asyncio.sleep(3600)
        return Outcome("never")

    started = time.monotonic()
    result = use(Tool("slow", "Hangs.", Permission.READ, Anything, hang, seconds=0.05), tmp_path)
    assert not result.ok
    assert "no answer within 0.05 s" in result.text
    assert time.monotonic() - started < 5


def test_ten_megabytes_are_cut_and_the_model_is_told(tmp_path: Path) -> None:
    result = use(saying("x" * 10_000_000), tmp_path)
    assert len(result.text) < LIMIT + 100
    assert result.text.endswith(f"[cut here: {10_000_000 - LIMIT} more characters]")


@pytest.mark.parametrize(
    "arguments", ["", "{", "[]", "null", '{"number": "x"}', '{"number": 1, "more": 2}', {}, {"n": 1}]
)
def test_garbage_for_arguments_is_explained(tmp_path: Path, arguments: str | dict[str, int]) -> None:
    async def work(number: Number, context: ToolContext) -> Outcome:
        return Outcome("worked")

    result = use(Tool("count", "Counts.", Permission.READ, Number, work), tmp_path, arguments)
    assert not result.ok
    assert result.text.startswith("The arguments do not fit count.")


def test_huge_arguments_are_refused(tmp_path: Path) -> None:
    assert "longer than" in use(saying("x"), tmp_path, '{"a": "' + "x" * 300_000 + '"}').text


def test_an_unknown_tool_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    box = Toolbox([saying("x")], LIMIT)
    result = asyncio.run(box.call("shout", {}, context(tmp_path)))
    assert (result.ok, result.text) == (False, "There is no tool 'shout'. There are: say.")
    with pytest.raises(NotFound):
        box.permission("shout")


def test_a_passing_illness_is_tried_again(tmp_path: Path) -> None:
    tool, calls = failing(OSError("down"), ValueError("nonsense"), attempts=3)
    assert use(tool, tmp_path).text == "worked"
    assert len(calls) == 3


def test_without_further_attempts_it_is_called_once(tmp_path: Path) -> None:
    tool, calls = failing(OSError("down"))
    result = use(tool, tmp_path)
    assert (result.ok, result.text, len(calls)) == (False, "shaky did not work: down.", 1)


def test_a_no_of_the_tool_is_final(tmp_path: Path) -> None:
    tool, calls = failing(ToolFailed("No such thing."), attempts=3)
    result = use(tool, tmp_path)
    assert (result.ok, result.text, len(calls)) == (False, "No such thing.", 1)


def test_a_defect_tells_its_kind_and_not_its_words(tmp_path: Path) -> None:
    tool, _ = failing(ValueError("password=hunter2"))
    assert use(tool, tmp_path).text == "shaky did not work: ValueError."


def test_a_tool_that_fails_again_and_again_rests_also_for_other_agents(tmp_path: Path) -> None:
    tool, calls = failing(*[OSError("down")] * FAILURES)
    whole = Toolbox([tool], LIMIT)
    for _ in range(FAILURES):
        asyncio.run(whole.call("shaky", {}, context(tmp_path)))
    result = asyncio.run(whole.subset(["shaky"]).call("shaky", {}, context(tmp_path)))
    assert "rests for" in result.text
    assert len(calls) == FAILURES


def test_after_its_rest_one_success_heals_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox, "PAUSE_SECONDS", 0.0)
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.learn(ill=True)
    assert breaker.wait() == 0
    breaker.learn(ill=False)
    assert breaker.failed == 0


def test_cancelling_reaches_the_tool(tmp_path: Path) -> None:
    ended: list[bool] = []

    async def work(arguments: Anything, context: ToolContext) -> Outcome:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)
        return Outcome("never")

    async def cancel() -> None:
        box = Toolbox([Tool("slow", "Waits.", Permission.READ, Anything, work)], LIMIT)
        task = asyncio.create_task(box.call("slow", {}, context(tmp_path)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert ended == [True]


def test_a_tool_that_acts_outside_is_never_repeated() -> None:
    acting, _ = failing(attempts=2)
    with pytest.raises(ConfigurationError, match="acts and is repeated"):
        Toolbox([Tool("a", "Acts.", Permission.ACT, Anything, acting.work, attempts=2)], LIMIT)


def test_a_name_stands_for_one_tool() -> None:
    with pytest.raises(ConfigurationError, match="'say'"):
        Toolbox([saying("a"), saying("b")], LIMIT)


def test_secrets_do_not_reach_the_model_even_across_the_cut(tmp_path: Path) -> None:
    key = "sk-" + "a1" * 20
    assert "[secret]" in use(saying(f"The key is {key}."), tmp_path).text
    assert "sk-a1" not in use(saying("x" * (LIMIT - 10) + " " + key), tmp_path).text


def test_definitions_show_every_argument() -> None:
    (definition,) = Toolbox([Tool("count", "Counts.", Permission.READ, Number, saying("").work)], LIMIT).definitions()
    assert (definition.name, definition.description) == ("count", "Counts.")
    assert definition.parameters_json_schema["properties"]["number"]["type"] == "integer"
