"""`app feedback`: what readers said of answers, and golden cases made of it."""

import json as jsons
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pkgutil import resolve_name
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app import product
from app.console import table_console, talk
from app.errors import InvalidInput, NotFound
from app.evals.answers import AnswerLog, Judgement
from app.settings import load_settings
from app.stores.commands import open_catalog

NOT_KEPT = "(not kept)"
SHOWN_DIGITS = 12

feedback = typer.Typer(help="What readers said of answers.", no_args_is_help=True)


@feedback.command("list")
def list_feedback(
    rating: Annotated[int, typer.Option(min=-1, max=1, help="Only 1 (helpful) or -1 (not); 0 is both.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show judgements, the newest first."""
    with _open_log() as log:
        found = log.judgements(limit, rating)
    if json:
        print(jsons.dumps([asdict(judgement) for judgement in found], indent=2, default=str))
        return
    table = Table("trace", "when (UTC)", "helpful", "question", "comment", "prompt", "model")
    for j in found:
        texts = (j.question or NOT_KEPT, j.comment, j.prompt, j.model)
        table.add_row(
            j.trace_id[:SHOWN_DIGITS], f"{j.at:%Y-%m-%d %H:%M}", "yes" if j.rating > 0 else "no", *map(escape, texts)
        )
    table_console().print(table)


@feedback.command()
def export(traces: Annotated[list[str], typer.Argument(help="Traces as `list` shows them.")]) -> None:
    """Write judged questions into the golden file; what a right answer says is left to you where it is not known."""
    from app.evals import golden  # here, because the evaluation library takes a second to load

    settings = load_settings()
    suite = resolve_name(product.SUITES[0]) if product.SUITES else None
    if suite is None or suite.draft is None:
        raise NotFound("This project makes no golden cases of feedback.", "A suite with `draft` does.")
    with _open_log() as log:
        chosen = [log.judgement(trace) for trace in traces]
    without = [judgement.trace_id for judgement in chosen if not judgement.question]
    if without:
        raise InvalidInput(
            f"The question of {', '.join(without)} was not kept.", "Set APP_QUALITY__CONTENT=True for those to come."
        )
    cases = {f"reader-{j.trace_id[:SHOWN_DIGITS]}": (_remark(j), suite.draft(j)) for j in chosen}
    path = settings.evals_dir / "golden" / suite.file
    added = golden.add_cases(path, cases)
    for name in cases:
        print(f"{name}: {'added' if name in added else 'is there already'}")
    if added:
        talk.print(f"Now finish what says {golden.UNFINISHED} in {path}; no evaluation runs before.", markup=False)


def _remark(judgement: Judgement) -> str:
    """What the person who finishes the case wants to know."""
    word = "helpful" if judgement.rating > 0 else "not helpful"
    said = f", {judgement.comment!r}" if judgement.comment else ""
    return f"A reader on {judgement.at:%Y-%m-%d}: {word}{said}. The answer was: {judgement.answer}"


@contextmanager
def _open_log() -> Iterator[AnswerLog]:
    with open_catalog() as catalog:
        yield AnswerLog(catalog.engine, load_settings().quality)
