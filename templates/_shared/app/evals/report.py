"""Runs, verdicts and rankings: tables for a terminal, Markdown for files and CI summaries, JSON for programs."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from app import product
from app.evals.drift import Drift
from app.evals.gate import Check, GateResult, Verdict
from app.evals.records import RunResult
from app.evals.variants import Ranked

OFFLINE_NOTE = f"Offline floor: {product.OFFLINE_WORDS}. These numbers say nothing about a generating model."


def table(run: RunResult) -> Table:
    """Metrics with 95 % intervals, latency and cost."""
    summary = run.summary()
    time, cost = summary.latency_ms, summary.cost_usd
    shown = Table(
        title=f"{run.suite}: {len(run.cases)} cases, {run.setup['model']}",
        caption=f"one answer: {time.p50:.0f} ms median, {time.p95:.0f} ms p95, {time.p99:.0f} ms p99, "
        f"{cost.mean:.6f} USD mean, {cost.p95:.6f} USD p95{as_if(run)}",
    )
    for column in ("metric", "mean", "95 % interval", "cases"):
        shown.add_column(column, justify="left" if column == "metric" else "right")
    for name, e in summary.metrics.items():
        shown.add_row(name, f"{e.mean:.3f}", f"{e.low:.3f} to {e.high:.3f}", str(e.n))
    return shown


def as_if(run: RunResult) -> str:
    """Whose list price the costs of an offline run are."""
    model = run.setup.get("priced as") if run.offline else None
    return f" as if {model}" if model else ""


def markdown(run: RunResult, ranked: Sequence[Ranked] = (), why: str = "") -> str:
    """The results page, with `ranked` variants and `why` they score offline as they do.

    Offline it holds nothing that changes between two runs.
    """
    prompts = ", ".join(f"`{label}`" for label in run.setup["prompts"].split(", "))
    lines = [
        "# Results",
        "",
        "Written by `make eval`. What each metric means: `evals/README.md`.",
        "",
        f"Model `{run.setup['model']}`, prompts {prompts}, {len(run.cases)} cases, dataset `{run.dataset}`.",
        "",
        *([f"**{OFFLINE_NOTE}**", ""] if run.offline else []),
        "| metric | mean | 95 % interval | cases |",
        "|---|---|---|---|",
    ]
    for name, e in run.estimates().items():
        lines.append(f"| {name} | {e.mean:.3f} | {e.low:.3f} to {e.high:.3f} | {e.n} |")
    lines += ranking_lines(ranked) if ranked else []
    lines += ["", why] if ranked and why and run.offline else []
    lines += ["", "## Cases that lost points", "", "| case | kind | lost in |", "|---|---|---|"]
    for case in run.cases:
        if case.lost:
            lost = ", ".join(f"{name} {score:.2f}" for name, score in case.below.items())
            lines.append(f"| {case.name} | {case.kind} | {lost} |")
    return "\n".join([*lines, *_lost_elsewhere(run)]) + "\n"


def _lost_elsewhere(run: RunResult) -> list[str]:
    """One line on the cases whose outcome is whole, but which took detours or more passages than they needed."""
    elsewhere = [case.below for case in run.cases if case.below and not case.lost]
    counts = Counter(name for below in elsewhere for name in below)
    told = ", ".join(f"{name} in {count}" for name, count in sorted(counts.items()))
    whole = f"{len(elsewhere)} more cases lost nothing of their outcome, only points on the way to it: {told}."
    return ["", whole] if elsewhere else []


def as_json(run: RunResult) -> str:
    """Everything about a run: its summary, and each case."""
    return json.dumps({**asdict(run), **asdict(run.summary()), "cases": [asdict(c) for c in run.cases]}, indent=2)


NOTHING = "-"
GATE_COLUMNS = (
    "metric",
    "n",
    "baseline",
    "now",
    "difference",
    "95 % interval",
    "p",
    "p (Holm)",
    "detectable drop",
    "verdict",
    "why",
)
STYLES = {Verdict.PASSED: "green", Verdict.BLOCK: "bold red", Verdict.UNDECIDED: "yellow"}


def gate_table(result: GateResult) -> Table:
    """The arithmetic of every metric."""
    return check_table(f"{result.suite}: {result.verdict.upper()}", result.verdict, result.checks)


def drift_table(drift: Drift) -> Table:
    """The arithmetic of every score in use; `baseline` is the earlier side."""
    since = f" since {drift.since:%Y-%m-%d %H:%M} UTC" if drift.since else ""
    title = f"answers in use{since}, against those before: {drift.verdict.upper()}"
    return check_table(title, drift.verdict, drift.checks)


def check_table(title: str, verdict: Verdict, checks: Sequence[Check]) -> Table:
    """Metrics, one a row, under a title in the colour of the verdict."""
    shown = Table(title=title, title_style=STYLES[verdict])
    for column in GATE_COLUMNS:
        shown.add_column(column, justify="left" if column in ("metric", "verdict", "why") else "right")
    for check in checks:
        shown.add_row(*gate_row(check), style="" if check.verdict is Verdict.PASSED else STYLES[check.verdict])
    return shown


def gate_row(check: Check) -> list[str]:
    """One metric, in the order of `GATE_COLUMNS`."""
    if check.difference is None:
        return [check.metric, str(check.n), *[NOTHING] * 7, check.verdict, check.why]
    d = check.difference
    return [
        check.metric,
        str(check.n),
        f"{check.before:.3f}",
        f"{check.now:.3f}",
        f"{d.mean:+.3f}",
        f"{d.low:+.3f} to {d.high:+.3f}",
        f"{check.p:.4f}",
        f"{check.p_holm:.4f}",
        f"{check.detectable:.3f}",
        check.verdict,
        check.why,
    ]


def gate_notes(result: GateResult) -> list[str]:
    """What stands below the table: the rule, the baseline, what differs, and each loss of a critical case."""
    accepted = result.baseline
    notes = [
        f"Blocks where a mean drops by more than {result.margin:g} and p (one-sided, paired, Holm over the metrics) "
        f"is at most {result.alpha:g}, and where a critical case loses.",
        "A true drop of the detectable size is blocked about 8 times in 10; a smaller one may pass.",
        f"Baseline: accepted by {accepted.who} on {accepted.when[:10]}: {accepted.why}",
    ]
    if result.changed:
        notes.append("Changed setup: " + ", ".join(f"{name} {change}" for name, change in result.changed.items()))
    return notes + [
        f"CRITICAL: {loss.case} fell in {loss.metric} from {loss.before:.2f} to {loss.now:.2f}"
        for loss in result.losses
    ]


def gate_markdown(result: GateResult) -> str:
    """The verdict for a CI summary or a pull request."""
    rows = [GATE_COLUMNS, ["---"] * len(GATE_COLUMNS), *(gate_row(check) for check in result.checks)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = "\n".join(f"- {escape_markdown(note)}" for note in gate_notes(result))
    label = f"\n{OFFLINE_NOTE}\n" if result.offline else ""
    return f"## Evaluation gate: {result.verdict}\n{label}\n{table}\n\n{notes}\n"


def escape_markdown(text: str) -> str:
    """Foreign text on one line, with nothing that Markdown or HTML reads as a command."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#!" else c for c in " ".join(text.split()))


def ranking_lines(ranked: Sequence[Ranked]) -> list[str]:
    """Variants as a Markdown table, the best first, without time: that changes from run to run."""
    metrics = list(dict.fromkeys(name for variant in ranked for name in variant.metrics))
    counts = list(dict.fromkeys(name for variant in ranked for name in variant.counts))
    columns = ["variant", *metrics, *(f"{name} per case" for name in counts), "USD per 1,000"]
    lines = ["", "## Variants", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for v in ranked:
        means = [f"{v.metrics[name].mean:.3f}" if name in v.metrics else NOTHING for name in metrics]
        spent = [f"{v.counts.get(name, 0):.1f}" for name in counts]
        cells = [v.label, *means, *spent, f"{1000 * v.cost_usd.mean:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    priced_as = ranked[0].priced_as
    prices = f"Offline runs cost nothing; shown is the list price of {priced_as}. " if priced_as else ""
    return [*lines, "", f"{prices}Times depend on the machine: `app eval compare` shows them."]


def ranking_table(ranked: Sequence[Ranked]) -> Table:
    """Variants, the best first."""
    metrics = list(dict.fromkeys(name for variant in ranked for name in variant.metrics))
    shown = Table(title=f"{len(ranked)} variants over {ranked[0].overall.n} cases, the best first")
    for column in ("variant", "overall", "95 % interval", "against now", *metrics, "p50 ms", "p95 ms", "USD/1,000"):
        shown.add_column(column, justify="left" if column == "variant" else "right")
    for v in ranked:
        against = f"{v.against.mean:+.3f} ({v.against.low:+.3f} to {v.against.high:+.3f})" if v.against else NOTHING
        means = [f"{v.metrics[name].mean:.3f}" if name in v.metrics else NOTHING for name in metrics]
        interval = f"{v.overall.low:.3f} to {v.overall.high:.3f}"
        spent = [f"{v.latency_ms.p50:.0f}", f"{v.latency_ms.p95:.0f}", f"{1000 * v.cost_usd.mean:.2f}"]
        shown.add_row(escape(v.label), f"{v.overall.mean:.3f}", interval, against, *means, *spent)
    return shown
