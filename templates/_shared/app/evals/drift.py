"""Scores of answers in use against earlier ones, by the gate's rule; the answers differ, so nothing is paired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from statistics import fmean

from pydantic import TypeAdapter

from app.evals.answers import AnswerLog, Scored
from app.evals.gate import Check, Verdict, decide, worst
from app.evals.statistics import Estimate, holm, unpaired_detectable_drop, unpaired_estimate, unpaired_p_value
from app.settings import GateSettings

MOST_CANARY_SCORES = 1000
MOST_TOLD = 3


@dataclass(frozen=True)
class Drift:
    """The verdict over two windows, its arithmetic, and what of the setup differs between them."""

    verdict: Verdict
    window: int
    margin: float
    alpha: float
    since: datetime | None
    checks: tuple[Check, ...]
    changed: dict[str, str]


DRIFT = TypeAdapter(Drift)
Sides = tuple[Sequence[Scored], Sequence[Scored]]
Numbers = tuple[tuple[float, ...], tuple[float, ...]]


def judge_drift(log: AnswerLog, rule: GateSettings, window: int) -> Drift:
    """The last `window` scores of each metric against as many before; with fewer, the later half against the earlier.

    `since` is when the later side begins. Without a single score nothing can be decided.
    """
    sides = {metric: _halves(log.latest(metric, 2 * window)) for metric in log.metrics()}
    checks = check_sides(sides, rule)
    longest = max(sides.values(), key=lambda side: len(side[1]), default=((), ()))
    verdict = worst({check.verdict for check in checks}) if checks else Verdict.UNDECIDED
    since = longest[1][0].at if longest[1] else None
    return Drift(verdict, window, rule.margin, rule.alpha, since, tuple(checks), _changed(*longest))


def judge_canary(log: AnswerLog, rule: GateSettings, stable: str, canary: str, since: datetime) -> list[Check]:
    """The canary's scores since its start against those of the stable version (labels `name@version`), by metric.

    A metric that neither side has belongs to other prompts and is left out.
    """
    sides = {
        metric: (
            log.latest(metric, MOST_CANARY_SCORES, stable, since),
            log.latest(metric, MOST_CANARY_SCORES, canary, since),
        )
        for metric in log.metrics()
    }
    return check_sides({metric: side for metric, side in sides.items() if any(side)}, rule)


def check_sides(sides: Mapping[str, Sides], rule: GateSettings) -> list[Check]:
    """Each metric's earlier and later scores by the gate's rule, the p values adjusted over those that have enough."""
    scores = {
        name: (tuple(s.score for s in before), tuple(s.score for s in now)) for name, (before, now) in sides.items()
    }
    sound = [name for name, both in scores.items() if min(map(len, both)) >= rule.min_cases]
    numbers = {name: compare_means(*scores[name]) for name in sound}
    p_values = [numbers[name][1] for name in sound]
    adjusted = dict(zip(sound, holm(p_values), strict=True))
    return [
        _check(name, both, *numbers[name], adjusted[name], len(sound), rule)
        if name in adjusted
        else Check(name, Verdict.UNDECIDED, f"fewer than {rule.min_cases} scores on a side", min(map(len, both)))
        for name, both in scores.items()
    ]


@lru_cache(maxsize=32)
def compare_means(before: tuple[float, ...], now: tuple[float, ...]) -> tuple[Estimate, float]:
    """The difference with its interval, and p; kept, because a page is loaded more often than scores come."""
    return unpaired_estimate(before, now), unpaired_p_value(before, now)


def _check(
    metric: str, sides: Numbers, difference: Estimate, p: float, p_holm: float, tests: int, rule: GateSettings
) -> Check:
    before, now = sides
    verdict, why = decide(-difference.mean, p_holm, rule)
    detectable = unpaired_detectable_drop(before, now, rule.margin, rule.alpha, tests)
    return Check(metric, verdict, why, len(now), fmean(before), fmean(now), difference, p, p_holm, detectable)


def _halves(scores: list[Scored]) -> Sides:
    middle = len(scores) // 2
    return scores[len(scores) - 2 * middle : len(scores) - middle], scores[len(scores) - middle :]


def _changed(before: Sequence[Scored], now: Sequence[Scored]) -> dict[str, str]:
    """The parts of the setup whose values differ between the sides, as `before → now`."""
    sides = [{(name, value) for scored in side for name, value in scored.setup.items()} for side in (before, now)]
    values = {
        name: [_told(sorted(value for known, value in side if known == name)) for side in sides]
        for name in ("prompt", "model", "index")
    }
    return {name: f"{old} → {new}" for name, (old, new) in values.items() if old != new}


def _told(values: list[str]) -> str:
    """The values of one side; of many only how many."""
    return ", ".join(values) if len(values) <= MOST_TOLD else f"{len(values)} versions"
