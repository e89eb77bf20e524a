"""How sure a mean is, and how sure it is that a mean dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
PORTIONS = 20
SEED = 20_261_121
POWER = 0.8
ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` cases with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and percentile bootstrap interval; the same values give the same interval on every machine.

    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("a mean needs at least one value")
    scores = np.asarray(values, dtype=np.float64)
    picks = np.random.default_rng(SEED).integers(0, len(scores), size=(RESAMPLES, len(scores)))
    low, high = np.quantile(scores[picks].mean(axis=1), [0.025, 0.975])
    return Estimate(float(scores.mean()), float(low), float(high), len(scores))


def drop_p_value(differences: Sequence[float]) -> float:
    """One-sided p of a drop by paired permutation: how often chance signs give a mean difference as low as this.

    If nothing changed, each case's difference (now minus before) could as well have the other sign. The observed one
    counts as a permutation, so p is never 0. Phipson and Smyth, "Permutation p-values should never be zero", 2010.

    Raises:
        ValueError: no differences.
    """
    if not differences:
        raise ValueError("a comparison needs at least one pair")
    values = np.asarray(differences, dtype=np.float64)
    signs = np.random.default_rng(SEED).integers(0, 2, size=(RESAMPLES, len(values)), dtype=np.int8) * 2 - 1
    as_low = np.count_nonzero(signs @ values <= values.sum() + ROUNDING * len(values))
    return float((1 + as_low) / (1 + RESAMPLES))


def unpaired_estimate(before: Sequence[float], now: Sequence[float]) -> Estimate:
    """Difference of two means (now minus before) of different cases, with its percentile bootstrap interval.

    Raises:
        ValueError: a side without values.
    """
    _require_both(before, now)
    random = np.random.default_rng(SEED)
    low, high = np.quantile(_resampled(random, now) - _resampled(random, before), [0.025, 0.975])
    return Estimate(float(np.mean(now) - np.mean(before)), float(low), float(high), len(now))


def unpaired_p_value(before: Sequence[float], now: Sequence[float]) -> float:
    """One-sided p of a drop by permutation: how often chance alone gives scores as low as these the label "now".

    As `drop_p_value`, for cases that are not the same on both sides.

    Raises:
        ValueError: a side without values.
    """
    _require_both(before, now)
    values, count = np.asarray([*before, *now], dtype=np.float64), len(now)
    copies, random = np.broadcast_to(values, (RESAMPLES // PORTIONS, len(values))), np.random.default_rng(SEED)
    sums = [random.permuted(copies, axis=1)[:, :count].sum(axis=1) for _ in range(PORTIONS)]
    as_low = np.count_nonzero(np.concatenate(sums) <= np.sum(now) + ROUNDING * len(values))
    return float((1 + as_low) / (1 + RESAMPLES))


def _resampled(random: np.random.Generator, values: Sequence[float]) -> NDArray[np.float64]:
    """Bootstrap means, a few at a time: all the picks at once would take some hundred megabytes."""
    scores, size = np.asarray(values, dtype=np.float64), (RESAMPLES // PORTIONS, len(values))
    return np.concatenate([scores[random.integers(0, len(scores), size)].mean(axis=1) for _ in range(PORTIONS)])


def _require_both(before: Sequence[float], now: Sequence[float]) -> None:
    if not before or not now:
        raise ValueError("a comparison needs values on both sides")


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values adjusted for being several, in their order: false alarms over all of them stay below alpha.

    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def detectable_drop(differences: Sequence[float], margin: float, alpha: float, tests: int) -> float:
    """The smallest true drop that is blocked with a probability of about 0.8, by normal approximation.

    `tests` metrics share `alpha`, at worst evenly. The spread is the observed one, or, where that is smaller, what it
    will be when the drop comes from cases falling from 1 to 0. The observed drop must also exceed `margin`.
    """
    n = len(differences)
    return _detectable(float(np.std(differences)) / n**0.5, n, margin, alpha / tests)


def unpaired_detectable_drop(
    before: Sequence[float], now: Sequence[float], margin: float, alpha: float, tests: int
) -> float:
    """As `detectable_drop`, for cases that are not the same on both sides."""
    error = float(np.var(before) / len(before) + np.var(now) / len(now)) ** 0.5
    return _detectable(error, len(now), margin, alpha / tests)


def _detectable(error: float, n: int, margin: float, alpha: float) -> float:
    """`error` is the observed standard error of the difference, `n` how many scores may fall."""
    certain, powerful = NormalDist().inv_cdf(1 - alpha), NormalDist().inv_cdf(POWER)
    factor = certain + powerful
    by_falls = factor**2 / (n + factor**2)  # solves drop = factor * sqrt(drop * (1 - drop) / n)
    drop = max(by_falls, factor * error)
    return min(1.0, max(drop, margin + powerful * max(error, (by_falls * (1 - by_falls) / n) ** 0.5)))
