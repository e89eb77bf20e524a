"""How sure a mean is, and how sure it is that a mean dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

RESAMPLES = 10_000
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
    certain, powerful = NormalDist().inv_cdf(1 - alpha / tests), NormalDist().inv_cdf(POWER)
    factor = certain + powerful
    by_falls = factor**2 / (n + factor**2)  # solves drop = factor * sqrt(drop * (1 - drop) / n)
    drop = max(by_falls, factor * float(np.std(differences)) / n**0.5)
    spread = max(float(np.std(differences)), (by_falls * (1 - by_falls)) ** 0.5)
    return min(1.0, max(drop, margin + powerful * spread / n**0.5))
