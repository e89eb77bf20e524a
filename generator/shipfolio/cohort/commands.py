"""`shipfolio cohort …`: the options. What the commands do is imported when they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shipfolio.flags import Debug, Json, Quiet
from shipfolio.source import TEMPLATE_URL

if TYPE_CHECKING:
    from shipfolio.cohort.cohort import Cohort
    from shipfolio.cohort.survey import Standing
    from shipfolio.console import Console

app = typer.Typer(
    help="The same over a roster: create, watch, update and judge many repositories.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

File = Annotated[Path, typer.Argument(metavar="COHORT.yml", help="The file that describes the cohort.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="ID", help="Only this learner; repeatable.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, help="Processes; 0 for one per core.")]
Executor = Annotated[str, typer.Option(metavar="dask://HOST:PORT", help="Work on a Dask cluster instead.")]
Url = Annotated[str, typer.Option(metavar="URL", help="Where updates come from (a fork).", show_default=False)]


@app.command()
def create(
    file: File,
    only: Only = None,
    push: Annotated[bool, typer.Option("--push", help="Send each repository to its `remote`.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="No repositories, no first commits.")] = False,
    no_lock: Annotated[bool, typer.Option("--no-lock", help="No uv.lock.")] = False,
    jobs: Jobs = 0,
    executor: Executor = "",
    template_url: Url = TEMPLATE_URL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Make every learner's repository.

    Run it again to go on after a stop; what is there stays as it is. Exit code 3 where one could not be made.
    """
    from shipfolio.cohort import creation, report
    from shipfolio.cohort.cohort import opened
    from shipfolio.cohort.crew import Crew, spread
    from shipfolio.cohort.outcome import lost
    from shipfolio.console import Console

    console, crew = Console(quiet=quiet, as_json=as_json), Crew(jobs, executor)
    options = creation.Options(not no_git, not no_lock, push)
    with _resumable(), opened(file, template_url) as cohort:
        learners = cohort.only(only or [])
        if dry_run:
            report.planned(console, cohort, learners)
            return
        with creation.prepared(cohort, learners, options) as job:
            results = spread(crew, partial(creation.make_all, job), learners, lost)
            outcomes = report.watched(console, len(learners), results)
        report.finished(console, cohort, outcomes, job.notes)
    if any(outcome.state == "failed" for outcome in outcomes):
        raise typer.Exit(3)


@app.command()
def status(
    file: File,
    only: Only = None,
    sort: Annotated[str, typer.Option(metavar="ORDER", help="id, score, drift, commit or version.")] = "id",
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILTER",
            help="Only who is behind, drifted, unlocked, late, dirty, failing, blocked, or has a problem; repeatable.",
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table as CSV, too.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 where somebody needs a look.")] = False,
    jobs: Jobs = 0,
    executor: Executor = "",
    template_url: Url = TEMPLATE_URL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show where everyone stands, in one table.

    Version, drift, changed locked answers, last commit, rules passed, verdict of the gate. Changes and runs nothing.
    """
    from shipfolio import page
    from shipfolio.cohort import report, table
    from shipfolio.console import Console
    from shipfolio.hints import one_of

    console = Console(quiet=quiet, as_json=as_json)
    order = table.ORDERS[one_of(sort, list(table.ORDERS), "--sort")]
    filters = [table.FILTERS[one_of(name, list(table.FILTERS), "--where")] for name in where or []]
    with _surveyed(console, file, only, jobs, executor, template_url) as (_, standings):
        standings = sorted(standings, key=order)
        shown = [one for one in standings if all(test(one) for test in filters)]
        if csv:
            page.write(csv, table.as_csv(shown))
        report.surveyed(console, standings, shown)
    if exit_code and any(one.needs_person for one in standings):
        raise typer.Exit(3)


@app.command()
def update(
    file: File,
    only: Only = None,
    push: Annotated[bool, typer.Option("--push", help="Send each clean update's branch to its `remote`.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Say what would happen, change nothing.")] = False,
    jobs: Jobs = 0,
    executor: Executor = "",
    template_url: Url = TEMPLATE_URL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Merge the newer template into every repository, on a branch.

    One with uncommitted work is left alone. Run it again to go on after a stop. Exit code 3 where a person is needed.
    """
    from shipfolio.cohort import report, updating
    from shipfolio.cohort.cohort import opened
    from shipfolio.cohort.crew import Crew, spread
    from shipfolio.cohort.outcome import lost
    from shipfolio.console import Console

    console, crew = Console(quiet=quiet, as_json=as_json), Crew(jobs, executor)
    with _resumable(), opened(file, template_url) as cohort:
        learners = cohort.only(only or [])
        with updating.prepared(cohort, push, preview) as job:
            results = spread(crew, partial(updating.update_all, job), learners, lost)
            outcomes = report.watched(console, len(learners), results)
        report.updated(console, outcomes, preview)
    if any(outcome.state not in report.DONE_WELL for outcome in outcomes):
        raise typer.Exit(3)


@app.command("report")
def write_report(
    file: File,
    only: Only = None,
    html: Annotated[Path, typer.Option(metavar="FILE", help="The page.")] = Path("report.html"),
    csv: Annotated[Path, typer.Option(metavar="FILE", help="The table.")] = Path("report.csv"),
    title: Annotated[str, typer.Option(metavar="TEXT", help="The page's title.")] = "Cohort report",
    jobs: Jobs = 0,
    executor: Executor = "",
    template_url: Url = TEMPLATE_URL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the report: a page and a table.

    Charts, everyone with every rule, what most learners miss; the page needs no network.
    """
    from shipfolio import page
    from shipfolio.cohort import report, summary, table
    from shipfolio.console import Console

    console = Console(quiet=quiet, as_json=as_json)
    with _surveyed(console, file, only, jobs, executor, template_url) as (cohort, standings):
        page.write(html, page.rendered("cohort.html", summary.values(cohort, standings, title)))
        page.write(csv, table.as_csv(sorted(standings, key=table.ORDERS["id"])))
        report.reported(console, standings, html, csv)


@contextmanager
def _resumable() -> Iterator[None]:
    """Ctrl-C and a termination signal say what holds for a roster: what is done stays."""
    from shipfolio.errors import Interrupted
    from shipfolio.staging import termination_as_interrupt

    try:
        with termination_as_interrupt():
            yield
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted; what is done stays, nothing is half made", "run the same command again to go on"
        ) from None


@contextmanager
def _surveyed(
    console: Console, file: Path, only: list[str] | None, jobs: int, executor: str, template_url: str
) -> Iterator[tuple[Cohort, list[Standing]]]:
    """The cohort, open, and where each of its learners stands."""
    from shipfolio.cohort import report, survey
    from shipfolio.cohort.cohort import opened
    from shipfolio.cohort.crew import Crew, spread
    from shipfolio.staging import termination_as_interrupt

    crew = Crew(jobs, executor)
    with termination_as_interrupt(), opened(file, template_url) as cohort:
        learners = cohort.only(only or [])
        with survey.prepared(cohort) as job:
            results = spread(crew, partial(survey.look_at_all, job), learners, survey.lost)
            yield cohort, report.watched(console, len(learners), results)
