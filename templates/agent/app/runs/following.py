"""Following a run from the command line: its steps on stderr, a person asked where it waits, the way on at the end."""

import asyncio
import html
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import typer

from app.bootstrap import Platform
from app.console import talk
from app.runs.executor import Executor
from app.runs.records import Approval, Decision, Run, RunState, Step
from app.runs.routes import detail
from app.runs.store import EVERYONE

OWNER = "cli"
POLL_SECONDS = 0.1
NEEDS_A_PERSON = 3
SHOWN = 300  # characters of a result
ON = {  # what can be done with a run in this state
    RunState.WAITING: ("approve", "refuse", "cancel"),
    RunState.QUEUED: ("resume", "cancel"),
    RunState.RUNNING: ("resume", "cancel"),
    RunState.FAILED: ("show", "resume"),
    RunState.STOPPED: ("show", "resume"),
}

Ask = Callable[[Approval], Decision | None]


def work_on(platform: Platform, executor: Executor, identifier: str, ask: Ask, *, json: bool = False) -> None:
    """Follow a run to its end or to a question that nobody answers; print what came out and exit with what is left.

    Raises:
        typer.Exit: 0 where it succeeded, 1 where it ended otherwise, 3 where it waits for a person, 130 on Ctrl-C.
    """
    try:
        ended = asyncio.run(follow(platform, executor, identifier, ask, tell))
    except KeyboardInterrupt:
        talk.print(f"\nThe run is kept. To go on: `uv run app runs resume {identifier}`, or `app serve`.", markup=False)
        raise typer.Exit(130) from None
    waits = f"Run {ended.id} waits for a person: {ended.approval.tool}." if ended.approval else ""
    print(detail(ended).model_dump_json(indent=2) if json else ended.answer or ended.reason or waits or ended.state)
    talk.print(way_on(ended), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(exit_code(ended))


async def follow(
    platform: Platform, executor: Executor, identifier: str, ask: Ask, tell: Callable[[Step], None]
) -> Run:
    """Have the run worked on and tell each new step, until it ends or nobody answers what it asks."""
    from app.jobs.queue import JobQueue  # here, because the other commands need not load it

    store = executor.store
    told = len(store.get(identifier, EVERYONE).steps)
    async with JobQueue(platform.settings.store.url, executor.work, store.waiting) as jobs:  # it takes up what waits
        while True:
            now = await asyncio.to_thread(store.get, identifier, EVERYONE)
            for step in now.steps[told:]:
                tell(step)
            told = len(now.steps)
            if now.state.final:
                return now
            if now.approval:
                decision = await asyncio.to_thread(ask, now.approval)
                if decision is None:
                    return now
                store.decide(identifier, EVERYONE, now.approval.id, decision)
                jobs.put(identifier)
            await asyncio.sleep(POLL_SECONDS)


def tell(step: Step) -> None:
    """Show one step on stderr."""
    thought = f"{step.thought.strip()}\n   " if step.thought.strip() else ""
    call = f"{step.tool}({', '.join(step.arguments)})" if step.kind == "tool" else step.kind
    result = readable(step.result)
    result = result if len(result) <= SHOWN else f"{result[:SHOWN]} …"
    mark = "" if step.ok else " FAILED"
    text = f"{step.number:>2} {step.agent}: {thought}{call}{mark}: {result}".replace("\n", "\n   ")
    talk.print(text, markup=False, highlight=False, soft_wrap=True)


def readable(result: str) -> str:
    """A tool's result as a person reads it: foreign text without the marks that are meant for the model."""
    inner = result.removeprefix("<untrusted>").removesuffix("</untrusted>")
    return result if inner == result else html.unescape(inner)


def way_on(run: Run) -> str:
    """The run's id, its state, and the exact commands that lead on from there."""
    verbs = ON.get(run.state, ("show",))
    commands = [f"   uv run app runs {verb} {run.id}" for verb in verbs]
    return "\n".join(
        [f"Run {run.id}: {run.state}, {run.worked_seconds:.1f} s at work, ${run.cost_usd:.4f}.", *commands]
    )


def ask_here(approval: Approval) -> Decision | None:
    """Ask at the terminal; nobody answers where there is none."""
    talk.print(shown_call(approval), markup=False, highlight=False, soft_wrap=True)
    return decision(typer.confirm("Approve?", err=True)) if sys.stdin.isatty() else None


def ask_always(approval: Approval) -> Decision:
    """Approve, and say so."""
    talk.print(f"{approval.tool} is approved by --yes.", markup=False)
    return decision(granted=True)


def shown_call(approval: Approval) -> str:
    """The whole call that waits for a person; an empty argument says nothing."""
    arguments = [f"   {name}: {value}" for name, value in approval.arguments.items() if value not in ("", [])]
    return "\n".join([f"{approval.tool} waits for approval ({approval.id}):", *arguments])


def decision(granted: bool, comment: str = "") -> Decision:
    """What the person at this terminal decides."""
    return Decision(granted, comment, OWNER, datetime.now(UTC))


def exit_code(ended: Run) -> int:
    """0 for a run that succeeded, 1 for one that ended otherwise, 3 for one that waits for a person."""
    if ended.state is RunState.SUCCEEDED:
        return 0
    return 1 if ended.state.final else NEEDS_A_PERSON
