"""`app run` takes a goal; `app runs` lists, shows, decides and goes on with every run that there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app.bootstrap import Platform, open_platform
from app.console import table_console, talk
from app.memory.store import Memories
from app.observability.logs import configure_logs
from app.product_settings import PatternName
from app.runs.executor import Executor
from app.runs.following import (
    OWNER,
    ask_always,
    ask_here,
    decision,
    readable,
    shown_call,
    way_on,
    work_on,
)
from app.runs.records import PlanState, Run, RunState
from app.runs.routes import RunList, RunSummary, detail
from app.runs.service import open_executor
from app.runs.store import EVERYONE, NotPossible
from app.settings import load_settings

MARKS = {PlanState.TODO: " ", PlanState.DOING: ">", PlanState.DONE: "x", PlanState.FAILED: "!", PlanState.DROPPED: "-"}
GOAL_SHOWN = 60  # characters of a goal in the list

Identifier = Annotated[str, typer.Argument(metavar="RUN", help="The id that `app runs` shows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Approve every call that waits for a person.")]
Comment = Annotated[str, typer.Option(help="A word to the agent.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")]

runs = typer.Typer(help="The runs of every owner: list, show, approve, refuse, resume, cancel.", no_args_is_help=False)


def run(
    goal: Annotated[str, typer.Argument(help="What is to be achieved.")],
    json: AsJson = False,
    pattern: Annotated[PatternName | None, typer.Option(help="How agents share the work.")] = None,
    yes: Yes = False,
) -> None:
    """Achieve a goal step by step; what needs approval is asked here. Exit code 3: it waits for a person."""
    with opened() as (platform, executor):
        identifier = executor.create(OWNER, goal, pattern).id
        talk.print(f"Run {identifier}", markup=False, highlight=False)
        work_on(platform, executor, identifier, ask_always if yes else ask_here, json=json)


@runs.callback(invoke_without_command=True)
def newest(context: typer.Context) -> None:
    """The newest runs, where no command says more."""
    if context.invoked_subcommand is None:
        list_runs()


@runs.command("list")
def list_runs(limit: Limit = 20, json: AsJson = False) -> None:
    """Show the newest runs: id, state, cost, when and by whom they were begun, goal."""
    with opened() as (_, executor):
        found = executor.store.recent(EVERYONE, limit)
    if json:
        print(
            RunList(runs=[RunSummary.model_validate(r, from_attributes=True) for r in found]).model_dump_json(indent=2)
        )
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "state", "USD", "begun (UTC)", "owner", "goal"):
        table.add_column(column, justify="right" if column == "USD" else "left", no_wrap=True)
    for r in found:
        goal = r.goal if len(r.goal) <= GOAL_SHOWN else f"{r.goal[:GOAL_SHOWN]}…"
        cells = (r.id, r.state, f"{r.cost_usd:.4f}", f"{r.created_at:%Y-%m-%d %H:%M}", r.owner, " ".join(goal.split()))
        table.add_row(*map(escape, cells))
    table_console().print(table if found else "No run yet. `uv run app run GOAL` begins one.")


@runs.command()
def show(identifier: Identifier, json: AsJson = False) -> None:
    """Show one run: its goal, its plan, what it waits for, its answer, and how to go on."""
    with opened() as (_, executor):
        found = executor.store.get(identifier, EVERYONE)
        folder = executor.folder(identifier)
    if json:
        print(detail(found).model_dump_json(indent=2))
        return
    print(f"Goal: {found.goal}")
    for step in found.plan:
        print(f" [{MARKS[step.state]}] {step.number}. {step.title} ({step.specialist})")
    last = next((step for step in reversed(found.steps) if not step.ok), None)
    told = [f"Last failure: {last.tool}: {readable(last.result)}"] if last and not found.answer else []
    told += [shown_call(found.approval)] if found.approval else []
    told += [text for text in (found.reason, found.answer) if text]
    told += [f"  {folder / made.name}  ({made.bytes:,} bytes)" for made in found.artefacts]
    print("\n".join([*told, way_on(found)]))


@runs.command()
def approve(identifier: Identifier, comment: Comment = "", json: AsJson = False) -> None:
    """Grant what a run waits for, and work on it from there."""
    _decide(identifier, comment, json=json, granted=True)


@runs.command()
def refuse(identifier: Identifier, comment: Comment = "", json: AsJson = False) -> None:
    """Refuse what a run waits for; it goes on without."""
    _decide(identifier, comment, json=json, granted=False)


@runs.command()
def resume(identifier: Identifier, yes: Yes = False, json: AsJson = False) -> None:
    """Go on with a run: one that failed or was stopped (its limits count anew), or one that nobody works on."""
    with opened() as (platform, executor):
        state = executor.store.get(identifier, EVERYONE).state
        if state.final:
            executor.store.resume(identifier, EVERYONE)
        work_on(platform, executor, identifier, ask_always if yes else ask_here, json=json)


@runs.command()
def cancel(identifier: Identifier) -> None:
    """End a run; what it did stays done."""
    with opened() as (_, executor):
        executor.store.cancel(identifier, EVERYONE)
        state = executor.store.get(identifier, EVERYONE).state
    ends = "" if state.final else ": it ends with the operation under way, or as soon as somebody takes it up"
    print(f"Run {identifier} is {state}{ends}.")


def _decide(identifier: str, comment: str, *, json: bool, granted: bool) -> None:
    with opened() as (platform, executor):
        approval = _waiting(executor.store.get(identifier, EVERYONE))
        executor.store.decide(identifier, EVERYONE, approval, decision(granted, comment))
        work_on(platform, executor, identifier, ask_here, json=json)


def _waiting(found: Run) -> str:
    """The id of the approval that a run waits for."""
    if found.state is not RunState.WAITING or found.approval is None:
        raise NotPossible(f"The run is {found.state} and waits for nobody.", f"`app runs show {found.id}` says more.")
    talk.print(shown_call(found.approval), markup=False, highlight=False, soft_wrap=True)
    return found.approval.id


@contextmanager
def opened() -> Iterator[tuple[Platform, Executor]]:
    """The platform and its executor, with a log that leaves the terminal to the steps."""
    settings = load_settings()
    configure_logs(settings.log.model_copy(update={"level": "WARNING"}))
    with open_platform(settings) as platform:
        yield platform, open_executor(platform, Memories(platform))
