"""`app run`: a goal from the command line, worked on by this process or by any other that shares the queue."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.bootstrap import Platform, open_platform
from app.console import talk
from app.errors import InvalidInput
from app.memory.store import Memories
from app.observability.logs import configure_logs
from app.product_settings import PatternName
from app.runs.executor import Executor
from app.runs.records import Approval, Decision, PlanState, Run, RunState, Step
from app.runs.routes import detail
from app.runs.service import open_executor
from app.settings import load_settings

OWNER = "cli"
POLL_SECONDS = 0.1
NEEDS_A_PERSON = 3
STATES = {PlanState.TODO: " ", PlanState.DOING: ">", PlanState.DONE: "x", PlanState.FAILED: "!", PlanState.DROPPED: "-"}
SHOWN = 300  # characters of a result

Ask = Callable[[Approval], Decision | None]


def run(
    goal: Annotated[str, typer.Argument(help="What is to be achieved.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
    pattern: Annotated[PatternName | None, typer.Option(help="How agents share the work.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve every call that waits for a person.")] = False,
    again: Annotated[str, typer.Option("--continue", metavar="RUN", help="Go on with this run instead.")] = "",
) -> None:
    """Achieve a goal step by step; what needs approval is asked here. Exit code 3: it waits for a person."""
    if bool(goal.strip()) == bool(again):
        raise InvalidInput("Give a goal or --continue RUN.", "`app run --help` shows both.")
    settings = load_settings()
    configure_logs(settings.log.model_copy(update={"level": "WARNING"}))  # the steps are told anyway
    with open_platform(settings) as platform:
        executor = open_executor(platform, Memories(platform))
        identifier = again or executor.create(OWNER, goal, pattern).id
        try:
            ended = asyncio.run(follow(platform, executor, identifier, _ask_always if yes else _ask, tell))
        except KeyboardInterrupt:
            talk.print(f"\nThe run goes on with `app serve` or `app run --continue {identifier}`.", markup=False)
            raise typer.Exit(130) from None
    print(detail(ended).model_dump_json(indent=2) if json else ended.answer or ended.reason)
    raise typer.Exit(_exit_code(ended))


async def follow(
    platform: Platform, executor: Executor, identifier: str, ask: Ask, tell: Callable[[Step], None]
) -> Run:
    """Have the run worked on and tell each step, until it ends or nobody answers what it asks."""
    from app.jobs.queue import JobQueue  # here, because the other commands need not load it

    store = executor.store
    if store.get(identifier, OWNER).state in (RunState.FAILED, RunState.STOPPED):
        store.resume(identifier, OWNER)
    async with JobQueue(platform.settings.store.url, executor.work, store.waiting) as jobs:  # it takes up what waits
        told = 0
        while True:
            now = await asyncio.to_thread(store.get, identifier, OWNER)
            for step in now.steps[told:]:
                tell(step)
            told = len(now.steps)
            if now.state.final:
                return now
            if now.approval:
                decision = await asyncio.to_thread(ask, now.approval)
                if decision is None:
                    return now
                store.decide(identifier, OWNER, now.approval.id, decision)
                jobs.put(identifier)
            await asyncio.sleep(POLL_SECONDS)


def tell(step: Step) -> None:
    """Show one step on stderr."""
    thought = f"{step.thought.strip()}\n   " if step.thought.strip() else ""
    call = f"{step.tool}({', '.join(step.arguments)})" if step.kind == "tool" else step.kind
    result = step.result if len(step.result) <= SHOWN else f"{step.result[:SHOWN]} …"
    mark = "" if step.ok else " FAILED"
    text = f"{step.number:>2} {step.agent}: {thought}{call}{mark}: {result}".replace("\n", "\n   ")
    talk.print(text, markup=False, highlight=False, soft_wrap=True)


def _ask(approval: Approval) -> Decision | None:
    """Ask at the terminal; nobody answers where there is none."""
    shown = "\n".join(f"   {name}: {value}" for name, value in approval.arguments.items())
    talk.print(f"{approval.tool} waits for approval ({approval.id}):\n{shown}", markup=False, highlight=False)
    if not sys.stdin.isatty():
        talk.print("Nobody is there to ask: `--yes` approves, or decide on the page.")
        return None
    return _decision(typer.confirm("Approve?", err=True))


def _ask_always(approval: Approval) -> Decision:
    talk.print(f"{approval.tool} is approved by --yes.", markup=False)
    return _decision(granted=True)


def _decision(granted: bool) -> Decision:
    return Decision(granted, "", OWNER, datetime.now(UTC))


def _exit_code(ended: Run) -> int:
    if ended.state is RunState.SUCCEEDED:
        return 0
    return 1 if ended.state.final else NEEDS_A_PERSON
