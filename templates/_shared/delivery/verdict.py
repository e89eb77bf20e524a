"""Whether a canary may stay: its failures against those of the stable build, with the objectives and a test.

Worse counts only where it is beyond the margin and not by chance: Fisher's exact test, one-sided, with the level shared
among the signals (Bonferroni). A canary that burns the error budget 14.4 times too fast goes back without a comparison,
as the alert ErrorBudgetBurns would say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import exp, lgamma

BURNING = 14.4 * 0.005  # share of failed requests at which ErrorBudgetBurns fires
MARGIN = 0.01  # a share may be worse by this much
ALPHA = 0.05
FEWEST = 100  # requests of the canary below which nothing is decided
SIGNALS = {"errors": "requests", "slow": "requests", "refused": "answers"}  # each counted among what


class Verdict(StrEnum):
    """What to do with the canary now."""

    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    WAIT = "wait"


@dataclass(frozen=True)
class Counts:
    """What one build did since the canary began. None: nobody counts it there."""

    requests: int
    errors: int
    slow: int | None = None
    answers: int = 0
    refused: int | None = None


@dataclass(frozen=True)
class Decision:
    """The verdict and the arithmetic behind it, a line for each signal."""

    verdict: Verdict
    reasons: list[str]


def decide(stable: Counts, canary: Counts) -> Decision:
    """Hold the canary against the objectives and against the stable build."""
    share = canary.errors / canary.requests if canary.requests else 0.0
    if canary.errors >= 5 and share > BURNING:
        return Decision(
            Verdict.ROLL_BACK, [f"errors: {share:.1%} of the canary's requests, the limit is {BURNING:.1%}"]
        )
    signals = list(_signals(stable, canary))
    worse = [line for line, bad in signals if bad]
    if worse:
        return Decision(Verdict.ROLL_BACK, worse)
    lines = [line for line, _ in signals]
    if canary.requests < FEWEST:
        return Decision(Verdict.WAIT, [f"only {canary.requests} requests of the canary, {FEWEST} are needed", *lines])
    return Decision(Verdict.PROMOTE, lines)


def chance(bad_of_canary: int, canary: int, bad_of_stable: int, stable: int) -> float:
    """The probability of at least so many bad ones in the canary if both builds were equal (hypergeometric tail)."""
    bad, total = bad_of_canary + bad_of_stable, canary + stable
    most = min(bad, canary)
    return min(1.0, sum(_hypergeometric(k, canary, bad, total) for k in range(bad_of_canary, most + 1)))


def _signals(stable: Counts, canary: Counts) -> Iterator[tuple[str, bool]]:
    counted = [name for name in SIGNALS if getattr(stable, name) is not None and getattr(canary, name) is not None]
    for name in counted:
        a, b = getattr(stable, SIGNALS[name]), getattr(canary, SIGNALS[name])
        if not a or not b:
            continue
        bad_a, bad_b = getattr(stable, name), getattr(canary, name)
        p = chance(bad_b, b, bad_a, a)
        line = f"{name}: {bad_b}/{b} = {bad_b / b:.2%} of the canary, {bad_a}/{a} = {bad_a / a:.2%} stable, p = {p:.3g}"
        yield line, bad_b / b > bad_a / a + MARGIN and p < ALPHA / len(counted)


def _hypergeometric(k: int, drawn: int, bad: int, total: int) -> float:
    if k > bad or drawn - k > total - bad:
        return 0.0
    return exp(_log_choose(bad, k) + _log_choose(total - bad, drawn - k) - _log_choose(total, drawn))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
