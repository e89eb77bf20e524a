"""`shipfolio check`: its options. What it does is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shipfolio.flags import Debug, Json, Quiet

if TYPE_CHECKING:
    from shipfolio.check.rubric import Rubric

Rules = Annotated[str, typer.Option(metavar="RULE,…", help="Count only these rules or families (EVD104, SEC).")]
Ignored = Annotated[str, typer.Option(metavar="RULE,…", help="Leave out these rules or families.")]
Weights = Annotated[Path | None, typer.Option(metavar="FILE", help="Pass mark and points per rule, in YAML.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result as one HTML page, too.")]
Run = Annotated[bool, typer.Option("--run", help="Run the repository's own checks, too. Only for code you trust.")]


def check(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH", help="Repositories; default: here.")] = None,
    weights: Weights = None,
    select: Rules = "",
    ignore: Ignored = "",
    run: Run = False,
    html: Html = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Score repositories, generated or not, against the portfolio rubric. Runs nothing of theirs.

    Exit code 3 where one of them stays below the pass mark.
    """
    from shipfolio.check import report
    from shipfolio.check.rubric import Rubric, known
    from shipfolio.check.scoring import Selection, score
    from shipfolio.console import Console

    rubric = _read(weights) if weights else Rubric()
    selection = Selection(known(_listed(select), "--select"), known(_listed(ignore), "--ignore"), run)
    scores = [score(path, rubric, selection) for path in paths or [Path()]]
    if html:
        report.write_page(html, scores)
    report.checked(Console(quiet=quiet, as_json=as_json), scores)
    if not all(one.passed for one in scores):
        raise typer.Exit(3)


def _read(weights: Path) -> Rubric:
    from shipfolio.check.weights import load_rubric  # with pydantic, which takes longer than all the rest

    return load_rubric(weights)


def _listed(text: str) -> list[str]:
    return [part.strip().upper() for part in text.split(",") if part.strip()]
