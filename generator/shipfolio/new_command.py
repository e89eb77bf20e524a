"""`shipfolio new`: reads its options, calls the flow, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from shipfolio import source
from shipfolio.console import Console
from shipfolio.errors import UsageError
from shipfolio.flags import Debug, Json, Quiet
from shipfolio.options import with_question_options
from shipfolio.questions import current


def command() -> Any:
    """The command with one option per question."""
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command("new")(with_question_options(current(), new))
    return get_command(alone)


def new(
    template: Annotated[str, typer.Argument(help="The project to make; see `shipfolio templates`.")],
    path: Annotated[Path, typer.Argument(help="The folder to make.")],
    *,
    answers: dict[str, str],
    answers_file: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="Answers in a YAML or JSON file.")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option("--data", metavar="QUESTION=ANSWER", help="One answer; repeatable.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take defaults, ask nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print tree and answers, write nothing.")] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="No repository, no first commit.")] = False,
    no_lock: Annotated[bool, typer.Option("--no-lock", help="No uv.lock.")] = False,
    template_url: Annotated[
        str, typer.Option(metavar="URL", help="Where updates come from (a fork).", show_default=False)
    ] = source.TEMPLATE_URL,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Make a new project. Asks for what is missing on a terminal, takes defaults elsewhere."""
    from shipfolio import create, report
    from shipfolio.staging import checked_destination

    console = Console(quiet=quiet, as_json=as_json)
    destination = checked_destination(path)
    given = _given(template, answers_file, data or [], answers)
    request = create.Request(
        template=template,
        path=path,
        answers=_complete(console, given, destination.name, interactive=console.interactive and not yes),
        source=source.find(template_url),
        with_git=not no_git,
        with_lock=not no_lock,
    )
    if dry_run:
        report.previewed(console, create.preview(request))
    else:
        report.created(console, create.create(request))


def _given(template: str, file: Path | None, pairs: list[str], options: dict[str, str]) -> dict[str, str]:
    """The answers that were given, checked; an option wins over --data, --data over the file."""
    from shipfolio.answers import checked, known_template, parse_pairs, read_file

    given = {**(read_file(file) if file else {}), **parse_pairs(pairs), **options}
    if given.setdefault("template", known_template(current(), template)) != template:
        raise UsageError(
            f"the answers are for template {given['template']!r}, the command names {template!r}",
            "name the same template, or remove it from the answers",
        )
    return checked(current(), given)


def _complete(console: Console, given: dict[str, str], folder: str, interactive: bool) -> dict[str, str]:
    """Every answer: given, asked on a terminal, or default. A project is called like its folder by default."""
    from shipfolio.answers import resolve
    from shipfolio.prompts import asker

    ask = asker(console) if interactive else None
    return resolve(current(), given, ask, suggested={"project_name": folder})
