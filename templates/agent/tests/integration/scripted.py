"""Agents whose model follows a script, and two small tools that keep count: what the tests of runs are made of."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from app.bootstrap import Platform
from app.llm.gateway import Gateway
from app.llm.routing import Tier
from app.memory.window import fit
from app.product_settings import AgentSettings
from app.runs.executor import Executor
from app.runs.records import Decision, Run
from app.runs.store import RunStore
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed
from app.tools.toolbox import Toolbox

OWNER = "tester"
Move = str | tuple[str, dict[str, Any]]
Reply = Callable[[list[ModelMessage], AgentInfo], Awaitable[ModelResponse]]


def call(tool: str, **arguments: object) -> Move:
    """A move that calls a tool; a move of plain text ends the step."""
    return tool, arguments


def planned(*titles: str, after: Mapping[int, Sequence[int]] | None = None, specialist: str = "research") -> Move:
    """The planner's move: steps with these titles, which need one another as `after` says."""
    needs = after or {}
    steps = [
        {"title": title, "specialist": specialist, "after": list(needs.get(number, ()))}
        for number, title in enumerate(titles, start=1)
    ]
    return call("make_plan", steps=steps)


@dataclass
class Script:
    """A model that plays `moves[task]` one after the other; its plans are played as `moves["plan"]`, one per planning.

    `asked` lists every request as `role:task:number of results so far`. `before` is awaited with that word first.
    """

    moves: Mapping[str, Sequence[Move]]
    asked: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    before: Callable[[str], Awaitable[None]] | None = None

    async def reply(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        requests = [part for m in messages if isinstance(m, ModelRequest) for part in m.parts]
        prompt = str(next(part.content for part in requests if isinstance(part, UserPromptPart)))
        role = found("role", info.instructions or "")
        planning = role == "planner"
        task = "plan" if planning else found("task", prompt)
        done = sum(isinstance(part, ToolReturnPart) for part in requests)
        word = f"{role}:{task}:{done}"
        self.prompts.append(prompt)
        if self.before:
            await self.before(word)
        self.asked.append(word)
        turn = sum(w.startswith("planner:") for w in self.asked) - 1 if planning else done
        moves = self.moves[f"{role}:{task}" if f"{role}:{task}" in self.moves else task]
        return response(moves[min(turn, len(moves) - 1)], turn)


def response(move: Move, turn: int) -> ModelResponse:
    """A move as a model's response."""
    if isinstance(move, str):
        return ModelResponse([TextPart(move)] if move else [])
    tool, arguments = move
    return ModelResponse([TextPart(f"I call {tool}."), ToolCallPart(tool, arguments, tool_call_id=f"{tool}-{turn}")])


def found(mark: str, text: str) -> str:
    """The text between a pair of marks."""
    match = re.search(rf"<{mark}>(.*?)</{mark}>", text, re.DOTALL)
    return match[1] if match else ""


class Word(BaseModel, extra="forbid"):
    """The arguments of both tools."""

    word: str = ""


@dataclass
class Tools:
    """`look` reads and `act` acts outside; each remembers its calls, and what a word does to it."""

    calls: list[str] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0

    def box(self, *more: Tool) -> Toolbox:
        look = Tool("look", "Look something up.", Permission.READ, Word, self.look, seconds=0.3)
        act = Tool("act", "Act outside.", Permission.ACT, Word, self.act)
        return Toolbox([look, act, *more], 200)

    async def look(self, asked: Word, context: ToolContext) -> Outcome:
        self.calls.append(f"look {asked.word} {context.call}")
        if asked.word == "hang":
            await asyncio.sleep(60)
        if asked.word == "fail":
            raise ToolFailed("There is nothing there.")
        if asked.word == "file":
            context.folder.mkdir(parents=True, exist_ok=True)
            (context.folder / "made.csv").write_text("a,b\n1,2\n")
            return Outcome("made.csv was written.", ("made.csv",))
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        await asyncio.sleep(0.15 if asked.word == "slow" else 0)
        self.running -= 1
        return Outcome("x" * 10_000_000 if asked.word == "huge" else f"seen {asked.word}")

    async def act(self, asked: Word, context: ToolContext) -> Outcome:
        self.calls.append(f"act {asked.word} {context.call}")
        return Outcome("done")


async def nothing(owner: str, goal: str) -> Sequence[str]:
    """No memories."""
    return ()


def scripted(platform: Platform, reply: Reply, folder: Path, **limits: object) -> Platform:
    """The platform with a model that follows a script, and with other settings of the agent."""
    agent = AgentSettings.model_validate({"folder": folder, **limits})
    settings = platform.settings.model_copy(update={"agent": agent})
    gateway = Gateway({Tier.LARGE: FunctionModel(reply, model_name="script")}, {}, 0.35)
    return replace(platform, settings=settings, gateway=gateway)


def executor_for(
    platform: Platform, reply: Reply, folder: Path, tools: Toolbox | None = None, **limits: object
) -> Executor:
    """An executor whose model follows a script."""
    return Executor(scripted(platform, reply, folder, **limits), tools or Tools().box(), nothing, fit)


class Bench:
    """A script, the tools, and an executor that plays them."""

    def __init__(self, platform: Platform, folder: Path, moves: Mapping[str, Sequence[Move]], **limits: object) -> None:
        self.script, self.tools = Script(moves), Tools()
        self.executor = executor_for(platform, self.script.reply, folder, self.tools.box(), **limits)

    @property
    def store(self) -> RunStore:
        return self.executor.store

    def create(self, pattern: Any = "single") -> str:
        return self.executor.create(OWNER, "Reach the goal", pattern).id

    def work(self, run: str) -> Run:
        asyncio.run(self.executor.work(run))
        return self.store.get(run, OWNER)

    def decide(self, run: str, *, granted: bool, comment: str = "") -> None:
        approval = self.store.get(run, OWNER).approval
        assert approval
        self.store.decide(run, OWNER, approval.id, Decision(granted, comment, OWNER, datetime.now(UTC)))
