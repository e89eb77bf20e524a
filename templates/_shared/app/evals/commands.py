"""`app eval`: run the golden cases, guard them with the gate, compare variants."""

import asyncio
import json as jsons
from dataclasses import asdict
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated

import typer

from app import product
from app.console import table_console, talk
from app.errors import CannotDecide, NotFound
from app.llm.factory import is_offline
from app.settings import load_settings
from app.stores.commands import open_catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.evals.records import RunResult
    from app.evals.suite import Suite
    from app.evals.variants import Variant

RESULTS = Path("docs/results.md")

evals = typer.Typer(help="Evaluation over the golden cases.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]


@evals.command()
def run(
    json: AsJson = False,
    write: Annotated[bool, typer.Option(help="Write docs/results.md and evals/{latest.json,history.jsonl}.")] = True,
) -> None:
    """Put every golden case to a fresh system and score the outcome. Exit code 3: the model did not answer them all."""
    from app.evals import gate, records, report, variants  # here, because they would slow down every other command
    from app.evals.suite import run_suite

    settings, suite = load_settings(), _suite()
    if write:
        (settings.evals_dir / records.LATEST).unlink(missing_ok=True)  # `accept` must not take an old run for this one
    result = asyncio.run(run_suite(suite, settings))
    if write:
        beside = [variants.read_variant(text, settings, suite.prompt) for text in suite.compared]
        ranked = variants.rank([(suite.present(settings), result), *_each(suite, beside)]) if beside else []
        records.replace_file(RESULTS, report.markdown(result, ranked, suite.offline_variants).encode())
        verdict = gate.verdict_word(result, settings.evals_dir, settings.gate, suite.must_hold)
        records.write_run(settings.evals_dir, result, verdict)
    if json:
        print(report.as_json(result))
    else:
        table_console().print(report.table(result))
    if result.offline:
        talk.print(report.OFFLINE_NOTE)


@evals.command()
def gate(
    json: AsJson = False,
    margin: Annotated[float | None, typer.Option(min=0, max=1, help="Tolerated drop (APP_GATE__MARGIN).")] = None,
) -> None:
    """Run the golden cases and hold them against the baseline. Exit codes: 0 pass, 1 regression, 3 cannot decide."""
    from app.evals import baseline, gate, golden, records, report
    from app.evals.suite import run_suite

    settings, suite = load_settings(), _suite()
    rule = settings.gate if margin is None else settings.gate.model_copy(update={"margin": margin})
    (settings.evals_dir / gate.VERDICT).unlink(missing_ok=True)  # an old verdict must not stand for this run
    version = golden.dataset_version(settings.evals_dir / "golden" / suite.file)
    path = baseline.baseline_path(settings.evals_dir, suite.name, is_offline(settings.llm))
    accepted = baseline.read_baseline(path, version)  # before the run, which may cost money
    result = asyncio.run(run_suite(suite, settings))
    verdict = gate.judge_run(result, accepted, rule, suite.must_hold)
    records.replace_file(settings.evals_dir / gate.VERDICT, gate.RESULT.dump_json(verdict, indent=2))
    if json:
        print(gate.RESULT.dump_json(verdict, indent=2).decode())
    else:
        console = table_console()
        console.print(report.gate_table(verdict))
        for note in report.gate_notes(verdict):
            console.print(note, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(verdict.verdict.exit_code)


@evals.command()
def accept(
    reason: Annotated[str, typer.Option(help="Why these scores are good enough to be held from now on.")],
) -> None:
    """Make the last run (evals/latest.json) the baseline, and record who did it, when and why."""
    from app.evals import baseline, golden, records

    settings, suite = load_settings(), _suite()
    latest = records.read_latest(settings.evals_dir)
    if latest is None:
        raise NotFound("There is no run to accept.", "`app eval run` makes one.")
    version = golden.dataset_version(settings.evals_dir / "golden" / suite.file)
    if latest.dataset != version:
        raise CannotDecide(f"The last run is of golden set {latest.dataset}, not {version}.", "`app eval run` again.")
    path = baseline.baseline_path(settings.evals_dir, suite.name, latest.offline)
    decision = baseline.accept_run(path, latest, reason).accepted[-1]
    print(f"{path}: {len(latest.cases)} cases, accepted by {decision.who}. Commit it.")


@evals.command()
def compare(
    variant: Annotated[list[str], typer.Option(help="For example `top_k=3`, `prompt=v2`, `top_k=3,dense_weight=0.5`.")],
    json: AsJson = False,
) -> None:
    """Run variants of the present setup over the golden cases and rank them."""
    from app.evals import report, variants

    settings, suite = load_settings(), _suite()
    present = variants.Variant(variants.NOW, settings, {})
    tried = [present, *(variants.read_variant(text, settings, suite.prompt) for text in variant)]
    ranked = variants.rank(_each(suite, tried))
    if json:
        print(jsons.dumps([asdict(each) for each in ranked], indent=2))
    else:
        table_console().print(report.ranking_table(ranked))


@evals.command()
def drift(
    json: AsJson = False,
    window: Annotated[int | None, typer.Option(min=2, help="Scores on each side (APP_QUALITY__WINDOW).")] = None,
) -> None:
    """Hold the last scores of answers in use against those before. Exit codes: 0 pass, 1 drop, 3 cannot decide."""
    from app.evals import report
    from app.evals.answers import AnswerLog
    from app.evals.drift import DRIFT, judge_drift

    settings = load_settings()
    with open_catalog() as catalog:
        found = judge_drift(
            AnswerLog(catalog.engine, settings.quality), settings.gate, window or settings.quality.window
        )
    if json:
        print(DRIFT.dump_json(found, indent=2).decode())
    else:
        table_console().print(report.drift_table(found))
        for name, change in found.changed.items():
            print(f"Changed in between: {name} {change}")
    raise typer.Exit(found.verdict.exit_code)


@evals.command()
def due(run: Annotated[bool, typer.Option("--run", help="Ask them, on the served index.")] = False) -> None:
    """Say whether documents changed since the golden cases were put to them. Exit codes: 0 no, 1 yes.

    With --run it asks them where that is due, adds a line to the history, and exits as `gate`.
    """
    from app.evals import report
    from app.evals.due import IndexEvaluations

    settings = load_settings()
    if _suite().serve is None:
        print("Nothing is ever due: the golden cases of this project bring their own samples (`app eval run`).")
        return
    with open_catalog() as catalog:
        evaluations = IndexEvaluations(catalog)
        waiting, last = evaluations.due(), evaluations.last()
    since = f"last asked {last:%Y-%m-%d %H:%M} UTC" if last else "never asked"
    if not waiting:
        print(f"Nothing is due: no documents, or none that changed ({since}).")
        return
    if not run:
        print(f"Due: the documents changed, and the golden questions were {since}. `app eval due --run` asks them.")
        raise typer.Exit(1)
    from app.evals.served import evaluate_served

    verdict = evaluate_served(_suite(), settings)
    console = table_console()
    console.print(report.gate_table(verdict))
    for note in report.gate_notes(verdict):
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(verdict.verdict.exit_code)


@evals.command()
def report(json: AsJson = False) -> None:
    """Print the gate's last verdict as Markdown, for a CI summary or a pull request."""
    from app.evals import gate, report

    verdict = gate.read_verdict(load_settings().evals_dir)
    if verdict is None:
        raise NotFound("The gate has not given a verdict.", "`app eval gate` does.")
    print(gate.RESULT.dump_json(verdict, indent=2).decode() if json else report.gate_markdown(verdict))


def _each(suite: "Suite", tried: "Sequence[Variant]") -> "list[tuple[str, RunResult]]":
    """The run of each variant."""
    from app.evals.suite import run_suite

    runs = []
    for each in tried:
        talk.print(f"Running {each.label} …", markup=False)
        runs.append((each.label, asyncio.run(run_suite(suite, each.settings, prompts=each.prompts))))
    return runs


def _suite() -> "Suite":
    """What this project evaluates; imported late, because the evaluation library takes a second to load."""
    suite: Suite = resolve_name(product.SUITES[0])
    return suite
