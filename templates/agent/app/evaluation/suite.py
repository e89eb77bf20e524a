"""The suite: each golden objective becomes a run of its own owner, with the real loop, tools and memory."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from anyio import to_thread
from pydantic_evals import Dataset
from pydantic_evals.reporting import ReportCase

from app.bootstrap import Platform
from app.evals.records import CaseResult
from app.evals.suite import Suite
from app.evaluation.objectives import (
    Attempt,
    Expected,
    Objective,
    ObjectiveMetadata,
    ToolBehaviour,
    score,
)
from app.memory.store import Kind, Memories
from app.memory.window import fit
from app.observability.logs import configure_logs
from app.product_settings import MailSettings
from app.runs.executor import Executor
from app.runs.records import Decision, Run, RunState
from app.sales.generator import ensure_sample
from app.settings import Settings
from app.tools.ports import Outcome, Tool, ToolContext, ToolFailed
from app.tools.registry import own_tools
from app.tools.toolbox import Toolbox

AS_IF = "openai:gpt-6-luna"  # at whose list price offline calls are shown, so that patterns can be compared
PERSON = "evaluation"
OFFLINE_VARIANTS = (
    "Why `single`, `sequential` and `parallel` score equal: offline the same rules play every agent. Whoever does a "
    "step, it makes the same calls with the same arguments and writes the same note; only the instructions and the "
    "tools that each agent is shown differ, and with them the tokens. `coordinator` hands each step on and back, "
    "which costs calls, and a delegated step that fails is delegated once more. Which pattern is better shows with a "
    "language model."
)


def sandboxed(settings: Settings) -> Settings:
    """The settings with every effect inside the evaluation's own folder: no e-mail leaves, no run is mixed up."""
    folder = Path(settings.store.url.partition("///")[2]).parent
    priced_as = settings.llm.priced_as if settings.llm.priced_as != "none" else AS_IF
    return settings.model_copy(
        update={
            "agent": settings.agent.model_copy(update={"folder": folder / "runs", "approval_from": "act"}),
            "mail": MailSettings.model_validate({"outbox": folder / "outbox"}),
            "llm": settings.llm.model_copy(update={"priced_as": priced_as}),
        }
    )


async def prepare(served: Platform) -> Callable[[Objective], Awaitable[Attempt]]:
    """Make the sample sales and return the task: objective in, finished run out; injected failures fill no log."""
    configure_logs(served.settings.log.model_copy(update={"level": "ERROR"}))
    platform = replace(served, settings=sandboxed(served.settings))
    await to_thread.run_sync(ensure_sample, platform.settings.sales.database)
    memories = Memories(platform)
    tools = own_tools(platform, memories)

    async def recall(owner: str, goal: str) -> list[str]:
        return [memory.text for memory in await memories.recall(owner, goal)]

    async def attempt(objective: Objective) -> Attempt:
        behaving = [misbehaving(tool, objective.tools.get(tool.name)) for tool in tools]
        box = Toolbox(behaving, platform.settings.agent.tool_output_characters)
        executor = Executor(platform, box, recall, fit)
        owner = f"eval-{time.monotonic_ns()}"
        for text in objective.memories:
            await memories.remember(owner, text, Kind.FACT)
        started = time.perf_counter()
        run = await pursue(executor, owner, objective)
        seconds = time.perf_counter() - started
        kept = tuple(memory.text for memory in await to_thread.run_sync(memories.listed, owner))
        return Attempt(run, reports(executor.folder(run.id)), kept, seconds, platform.settings.sales.database)

    return attempt


async def pursue(executor: Executor, owner: str, objective: Objective) -> Run:
    """Work on the goal to its end; a person answers each request for approval as the objective says."""
    made = executor.create(owner, objective.goal)
    while True:
        await executor.work(made.id)
        run = await to_thread.run_sync(executor.store.get, made.id, owner)
        if run.state is not RunState.WAITING or run.approval is None:
            return run
        decision = Decision(not objective.refused, "", PERSON, datetime.now(UTC))
        await to_thread.run_sync(executor.store.decide, made.id, owner, run.approval.id, decision)


def misbehaving(tool: Tool, behaviour: ToolBehaviour | None) -> Tool:
    """The tool as the case wants it to behave."""
    if behaviour is None:
        return tool
    left = behaviour.fails

    async def work(arguments: Any, context: ToolContext) -> Outcome:  # noqa: ANN401 - the tool's own model
        nonlocal left
        if left:
            left -= 1
            raise OSError("the connection broke") if behaviour.ill else ToolFailed("The service is not available now.")
        return Outcome(behaviour.says) if behaviour.says else await tool.work(arguments, context)

    return replace(tool, work=work)


def reports(folder: Path) -> str:
    """The text of the run's reports and drafts."""
    files = [*sorted(folder.glob("*.md")), *sorted(folder.glob("*.tf"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def observe(case: ReportCase[Objective, Attempt, ObjectiveMetadata]) -> CaseResult:
    """The case as results, page and gate show it."""
    expected, attempt = cast("Expected", case.expected_output), case.output
    metadata, run = cast("ObjectiveMetadata", case.metadata), case.output.run
    wanted = [*expected.contains, *expected.files, *(["the figures of its query"] if expected.figures else [])]
    return CaseResult(
        name=case.name,
        kind=metadata.kind,
        critical=metadata.critical,
        question=case.inputs.goal,
        expected=f"{expected.state}: {'; '.join(wanted) or 'nothing else'}",
        got=f"{run.state}: {run.answer or run.reason}",
        sources=(),
        scores=score(case.inputs, expected, attempt),
        latency_ms=round(1000 * attempt.seconds, 1),
        cost_usd=run.cost_usd,
        counts={"steps": len(run.steps), "tokens": run.input_tokens + run.output_tokens},
    )


def setup(settings: Settings) -> Mapping[str, str]:
    """What else the numbers depend on."""
    return {
        "pattern": settings.agent.pattern,
        "replans": str(settings.agent.replans),
        "priced as": sandboxed(settings).llm.priced_as,
    }


SUITE = Suite(
    name="objectives",
    dataset=Dataset[Objective, Expected, ObjectiveMetadata],
    file="objectives.yaml",
    prepare=prepare,
    observe=observe,
    judged=lambda attempt: {"answer": attempt.run.answer, "reports": attempt.reports},
    must_hold=("task_success", "obedience", "recovery"),
    prompt="work",
    setup=setup,
    present=lambda settings: f"pattern={settings.agent.pattern}",
    compared=("pattern=sequential", "pattern=parallel", "pattern=coordinator"),
    offline_variants=OFFLINE_VARIANTS,
)
