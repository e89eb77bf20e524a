"""`shipfolio status` and `shipfolio update`: their options. What they do is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shipfolio.flags import Debug, Json, Quiet

NEEDS_PERSON = 3

Project = Annotated[Path, typer.Argument(metavar="[PATH]", help="The project; default: here.", show_default=False)]
Projects = Annotated[list[Path] | None, typer.Argument(metavar="[PATH]…", help="Projects; default: here.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit code 3 on drift or a newer version.")]
Target = Annotated[str | None, typer.Option("--to", metavar="VERSION", help="Default: the newest.", show_default=False)]
Preview = Annotated[bool, typer.Option("--preview", help="Change nothing, list everything.")]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="QUESTION=ANSWER", help="Change an answer on the way; repeatable."),
]


def status(
    paths: Projects = None,
    exit_code: ExitCode = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show how far projects are from their template, and from its newest version."""
    from shipfolio import drift, source
    from shipfolio.console import Console
    from shipfolio.following_report import status_report

    console = Console(quiet=quiet, as_json=as_json)
    templates = source.find()
    with templates.history() as history:
        found = [drift.inspect(path, templates, history) for path in paths or [Path()]]
    status_report(console, found)
    if exit_code and any(project.needs_attention for project in found):
        raise typer.Exit(NEEDS_PERSON)


def update(
    path: Annotated[
        Path, typer.Argument(metavar="[PATH]", help="The project; default: here.", show_default=False)
    ] = Path(),
    to: Target = None,
    preview: Preview = False,
    data: Data = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Merge a newer template version into a project, on a branch of its own.

    Exit code 3 where something is left for you: a conflict, or an edit of yours in a file that the template dropped.
    """
    from shipfolio import source
    from shipfolio.answers import parse_pairs
    from shipfolio.console import Console
    from shipfolio.following_report import update_report
    from shipfolio.update import update_project

    console = Console(quiet=quiet, as_json=as_json)

    def announce(undo: str) -> None:
        console.talk(f"If this is stopped half-way, `{undo}` brings everything back.")

    outcome = update_project(
        path, source.find(), to=to, data=parse_pairs(data or []), preview=preview, announce=announce
    )
    update_report(console, outcome)
    if outcome.needs_person:
        raise typer.Exit(NEEDS_PERSON)
