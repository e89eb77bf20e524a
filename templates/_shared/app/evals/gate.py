"""The gate: a run against the accepted baseline, pair by pair, metric by metric, with its arithmetic.

It blocks where a mean dropped by more than the margin and the drop is significant over all metrics together, and where
a critical case lost anything that it must hold. Where nothing sound can be said it says so instead of passing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import fmean

from pydantic import TypeAdapter, ValidationError

from app.errors import CannotDecide
from app.evals.baseline import Acceptance, Baseline, baseline_path, of_other_cases, read_baseline
from app.evals.records import RunResult
from app.evals.statistics import Estimate, detectable_drop, drop_p_value, estimate, holm
from app.settings import GateSettings

VERDICT = "gate.json"
LEAST_SHARE = 0.8


class Verdict(StrEnum):
    """What the gate says; `exit_code` is what a program hears."""

    PASSED = "pass"
    BLOCK = "block"
    UNDECIDED = "cannot decide"

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 cannot decide."""
        return {Verdict.PASSED: 0, Verdict.BLOCK: 1, Verdict.UNDECIDED: 3}[self]


@dataclass(frozen=True)
class Check:
    """One metric: means over the `n` paired cases, the paired difference, and why the verdict is what it is."""

    metric: str
    verdict: Verdict
    why: str
    n: int
    before: float = 0.0
    now: float = 0.0
    difference: Estimate | None = None
    p: float = 1.0
    p_holm: float = 1.0
    detectable: float = 1.0


@dataclass(frozen=True)
class Loss:
    """A critical case that lost in a metric it must hold."""

    case: str
    metric: str
    before: float
    now: float


@dataclass(frozen=True)
class GateResult:
    """The verdict and all that it rests on; `changed` are the parts of the setup that differ, as `before → now`."""

    suite: str
    verdict: Verdict
    when: str
    commit: str
    dataset: str
    offline: bool
    margin: float
    alpha: float
    baseline: Acceptance
    changed: dict[str, str]
    checks: tuple[Check, ...]
    losses: tuple[Loss, ...]


RESULT = TypeAdapter(GateResult)


def judge_run(run: RunResult, baseline: Baseline, rule: GateSettings, must_hold: Collection[str]) -> GateResult:
    """Hold a run against the baseline.

    Raises:
        CannotDecide: the baseline belongs to other cases.
    """
    if baseline.dataset != run.dataset:
        raise of_other_cases("The baseline", baseline, run.dataset)
    checks = check_metrics(run, baseline, rule)
    losses = find_losses(run, baseline, must_hold)
    verdict = worst({check.verdict for check in checks} | ({Verdict.BLOCK} if losses else set()))
    names = baseline.setup | run.setup
    setups = {name: (baseline.setup.get(name, "none"), run.setup.get(name, "none")) for name in names}
    return GateResult(
        suite=run.suite,
        verdict=verdict,
        when=run.when,
        commit=run.commit,
        dataset=run.dataset,
        offline=run.offline,
        margin=rule.margin,
        alpha=rule.alpha,
        baseline=baseline.accepted[-1],
        changed={name: f"{before} → {now}" for name, (before, now) in setups.items() if before != now},
        checks=tuple(checks),
        losses=tuple(losses),
    )


def verdict_word(run: RunResult, folder: Path, rule: GateSettings, must_hold: Collection[str]) -> str:
    """The verdict for the history: `pass`, `block` or `cannot decide`; empty where no baseline was accepted yet."""
    path = baseline_path(folder, run.suite, run.offline)
    if not path.exists():
        return ""
    try:
        return judge_run(run, read_baseline(path), rule, must_hold).verdict.value
    except CannotDecide:
        return Verdict.UNDECIDED.value


def check_metrics(run: RunResult, baseline: Baseline, rule: GateSettings) -> list[Check]:
    """Each metric of the baseline, the p values adjusted over those that could be compared."""
    now = {case.name: case.scores for case in run.cases}
    names = list(dict.fromkeys(name for scores in baseline.scores.values() for name in scores))
    pairs = {name: pair_scores(name, baseline.scores, now) for name in names}
    reasons = {name: why_undecided(name, pairs[name], baseline, rule) for name in names}
    sound = [name for name in names if not reasons[name]]
    p_values = {name: drop_p_value([after - before for before, after in pairs[name]]) for name in sound}
    adjusted = dict(zip(sound, holm(list(p_values.values())), strict=True))
    return [
        compare(name, pairs[name], p_values[name], adjusted[name], len(sound), rule)
        if name in adjusted
        else Check(name, Verdict.UNDECIDED, reasons[name], len(pairs[name]))
        for name in names
    ]


def pair_scores(
    metric: str, before: Mapping[str, Mapping[str, float]], now: Mapping[str, Mapping[str, float]]
) -> list[tuple[float, float]]:
    """(before, now) of every case that has the metric on both sides."""
    return [(before[c][metric], now[c][metric]) for c in before if metric in before[c] and metric in now.get(c, {})]


def why_undecided(metric: str, pairs: list[tuple[float, float]], baseline: Baseline, rule: GateSettings) -> str:
    """Why this metric cannot be judged; empty when it can."""
    expected = sum(metric in scores for scores in baseline.scores.values())
    if not pairs:
        return "the run has no such score"
    if len(pairs) < rule.min_cases:
        return f"{len(pairs)} pairs are fewer than {rule.min_cases}"
    if len(pairs) < LEAST_SHARE * expected:
        return f"only {len(pairs)} of {expected} cases have the score again"
    return ""


def compare(
    metric: str, pairs: list[tuple[float, float]], p: float, p_holm: float, tests: int, rule: GateSettings
) -> Check:
    """One metric's verdict with its arithmetic."""
    differences = [after - before for before, after in pairs]
    difference = estimate(differences)
    verdict, why = decide(-difference.mean, p_holm, rule)
    return Check(
        metric=metric,
        verdict=verdict,
        why=why,
        n=len(pairs),
        before=fmean([before for before, _ in pairs]),
        now=fmean([after for _, after in pairs]),
        difference=difference,
        p=p,
        p_holm=p_holm,
        detectable=detectable_drop(differences, rule.margin, rule.alpha, tests),
    )


def decide(drop: float, p_holm: float, rule: GateSettings) -> tuple[Verdict, str]:
    """The rule itself: a drop blocks when it is larger than the margin and significant; and the reason in words."""
    beyond, significant = drop > rule.margin, p_holm <= rule.alpha
    why = f"drop {drop:.3f} {'>' if beyond else '≤'} {rule.margin:g}" + (
        f", p {p_holm:.4f} {'≤' if significant else '>'} {rule.alpha:g}" if beyond else ""
    )
    return Verdict.BLOCK if beyond and significant else Verdict.PASSED, why if drop > 0 else "no drop"


def worst(verdicts: Collection[Verdict]) -> Verdict:
    """One verdict for several: a block is said even where something else cannot be decided."""
    return next(v for v in (Verdict.BLOCK, Verdict.UNDECIDED, Verdict.PASSED) if v in verdicts)


def find_losses(run: RunResult, baseline: Baseline, must_hold: Collection[str]) -> list[Loss]:
    """What critical cases lost. A score that does not apply any more is no loss: where it went, another one fell."""
    return [
        Loss(case.name, metric, before, case.scores[metric])
        for case in run.cases
        if case.critical
        for metric, before in baseline.scores.get(case.name, {}).items()
        if metric in must_hold and metric in case.scores and case.scores[metric] < before
    ]


def read_verdict(folder: Path) -> GateResult | None:
    """The last verdict that was written, if there is a readable one."""
    try:
        return RESULT.validate_json((folder / VERDICT).read_bytes())
    except (OSError, ValidationError):
        return None
