"""Other programs can start, follow and end runs; a person decides what needs approval."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from app.bootstrap import Platform
from app.runs.commands import OWNER
from app.tools.mcp_server import Desk
from tests.integration.scripted import Script, Tools, call, executor_for, planned


class Jobs:
    """A queue that only remembers."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def put(self, key: str) -> None:
        self.keys.append(key)


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def desk(platform: Platform, tmp_path: Path, jobs: Jobs) -> Desk:
    script = Script({"plan": [planned("Act")], "Act": [call("act", word="x"), "Done."]})
    queue: Any = jobs
    return Desk(executor_for(platform, script.reply, tmp_path, Tools().box()), queue)


def ask(desk: Desk, tool: str, **arguments: str) -> tuple[bool, str]:
    """One call as another program makes it: whether it worked, and its words."""

    async def called() -> tuple[bool, str]:
        async with Client(desk.server()) as client:
            result = await client.call_tool(tool, arguments)
        return not result.is_error, "\n".join(part.text for part in result.content if part.type == "text")

    return asyncio.run(called())


def test_a_run_is_started_followed_and_ended(desk: Desk, jobs: Jobs) -> None:
    ok, text = ask(desk, "start_run", goal="Act on x")
    identifier, state = text.split()
    assert (ok, state, jobs.keys) == (True, "queued", [identifier])
    asyncio.run(desk.executor.work(identifier))
    _, waiting = ask(desk, "get_run", run=identifier)
    assert waiting.splitlines() == [
        f"{identifier} waiting",
        "1. doing: Act",
        f"Waits for a person: act. `app runs approve {identifier}` lets one decide.",
    ]
    assert ask(desk, "cancel_run", run=identifier)[1].startswith(f"{identifier} cancelled")


def test_nothing_that_is_offered_can_approve(desk: Desk) -> None:
    async def names() -> set[str]:
        async with Client(desk.server()) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    assert asyncio.run(names()) == {"start_run", "get_run", "cancel_run"}


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("start_run", {"goal": " "}, "Write 1 to"),
        ("get_run", {"run": "nothing"}, "There is no run 'nothing'"),
        ("cancel_run", {"run": "nothing"}, "There is no run 'nothing'"),
        ("get_run", {}, "run"),
    ],
)
def test_what_cannot_be_done_is_explained(desk: Desk, tool: str, arguments: dict[str, str], words: str) -> None:
    ok, text = ask(desk, tool, **arguments)
    assert (ok, words in text) == (False, True)


def test_runs_of_others_are_not_shown(desk: Desk) -> None:
    theirs = desk.executor.create("page", "secret goal").id
    assert OWNER != "page"
    assert not ask(desk, "get_run", run=theirs)[0]
