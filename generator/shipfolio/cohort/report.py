"""What the cohort commands print."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shipfolio.cohort import table
from shipfolio.cohort.learner import Learner
from shipfolio.cohort.outcome import Outcome
from shipfolio.cohort.survey import Standing
from shipfolio.console import Console

if TYPE_CHECKING:  # pydantic, which workers do without
    from shipfolio.cohort.cohort import Cohort

Result = TypeVar("Result")
DONE_WELL = {"created", "present", "clean", "current"}


def watched(console: Console, total: int, results: Iterable[Result]) -> list[Result]:
    """All results, with a progress bar on a terminal meanwhile."""
    if console.quiet or not sys.stderr.isatty():
        return list(results)
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=RichConsole(file=sys.stderr), transient=True) as progress:
        return list(progress.track(results, total=total))


def planned(console: Console, cohort: Cohort, learners: list[Learner]) -> None:
    """What `create --dry-run` prints: each learner with the path and the answers that are not the same for all."""
    console.document(
        {
            "dry_run": True,
            "version": cohort.version,
            "learners": [{"id": one.id, "path": str(one.path), "answers": one.answers} for one in learners],
        }
    )
    stated = cohort.specification
    console.result(f"Would create {len(learners)} repositories from {stated.template} {cohort.version}", "bold")
    for learner in learners:
        own = ", ".join(f"{name}={learner.answers[name]}" for name in stated.choices if name in learner.answers)
        console.result(f"  {learner.path}{'  ' + own if own else ''}")


def finished(console: Console, cohort: Cohort, outcomes: list[Outcome], notes: list[str]) -> None:
    """How many of each kind, then everyone who needs a person, sorted."""
    outcomes = sorted(outcomes, key=lambda outcome: outcome.id)
    counts = Counter(outcome.state for outcome in outcomes)
    console.document(
        {"counts": dict(sorted(counts.items())), "learners": [asdict(outcome) for outcome in outcomes], "notes": notes}
    )
    summary = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    console.result(f"{len(outcomes)} learners in {cohort.folder}: {summary}", "bold")
    for outcome in outcomes:
        if outcome.state not in DONE_WELL:
            console.error(f"{outcome.id}: {outcome.state}: {outcome.message}", outcome.remedy)
    for note in notes:
        console.note(note)


def surveyed(console: Console, standings: list[Standing], shown: list[Standing]) -> None:
    """The table of `status`, then one line over all."""
    console.document({"learners": [one.document() for one in shown], "of": len(standings)})
    for number, line in enumerate(table.lines(shown) if shown else []):
        console.result(line, "bold" if not number else "")
    passed, attention = sum(one.passed for one in standings), sum(one.needs_person for one in standings)
    console.result(
        f"{len(shown)} of {len(standings)} learners shown; {passed} reach the pass mark, {attention} need a look"
    )


def updated(console: Console, outcomes: list[Outcome], preview: bool) -> None:
    """One line per repository, then the counts."""
    outcomes = sorted(outcomes, key=lambda outcome: outcome.id)
    counts = Counter(outcome.state for outcome in outcomes)
    console.document(
        {"counts": dict(sorted(counts.items())), "preview": preview, "learners": [asdict(o) for o in outcomes]}
    )
    for outcome in outcomes:
        where = f" on branch {outcome.details['branch']}" if outcome.details.get("branch") else ""
        if outcome.state in DONE_WELL:
            console.result(f"{outcome.id}: {outcome.state}{where}")
        else:
            console.error(f"{outcome.id}: {outcome.state}{where}: {outcome.message}", outcome.remedy)
    summary = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    console.result(f"{len(outcomes)} repositories{' (preview)' if preview else ''}: {summary}", "bold")


def reported(console: Console, standings: list[Standing], html: Path, csv: Path) -> None:
    """Where the report lies, and its one line."""
    passed = sum(one.passed for one in standings)
    summary = {"learners": len(standings), "passed": passed, "html": str(html), "csv": str(csv)}
    console.document(summary)
    console.result(f"{passed} of {len(standings)} learners reach the pass mark", "bold")
    console.result(f"  {html}")
    console.result(f"  {csv}")
