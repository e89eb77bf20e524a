"""The statistics of the generated projects' evaluation gate against scipy, which the projects do without."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from scipy import stats

from tests.conftest import ROOT

SOURCE = ROOT / "templates/_shared/app/evals/statistics.py"
SPEC = importlib.util.spec_from_file_location("gate_statistics", SOURCE)
assert SPEC is not None
assert SPEC.loader is not None
ours = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = ours
SPEC.loader.exec_module(ours)

SHAPES = {
    "flips": lambda random: random.choice([-1.0, 0.0, 1.0], 60, p=[0.15, 0.8, 0.05]),
    "graded": lambda random: random.normal(-0.02, 0.1, 90),
    "skewed": lambda random: -random.exponential(0.05, 40) + 0.03,
    "nothing changed": lambda random: np.zeros(50),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_p_is_that_of_scipy(shape: str, seed: int) -> None:
    values = SHAPES[shape](np.random.default_rng(seed))
    theirs = stats.permutation_test(
        (values,),
        lambda sample, axis: sample.mean(axis=axis),
        permutation_type="samples",
        alternative="less",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    )
    assert ours.drop_p_value(list(values)) == pytest.approx(theirs.pvalue, abs=0.015)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "nothing changed"])
def test_the_interval_is_that_of_scipy(shape: str) -> None:
    values = SHAPES[shape](np.random.default_rng(4))
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(1))
    interval, result = theirs.confidence_interval, ours.estimate(list(values))
    width = interval.high - interval.low
    assert result.low == pytest.approx(interval.low, abs=0.05 * width)
    assert result.high == pytest.approx(interval.high, abs=0.05 * width)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_unpaired_p_and_interval_are_those_of_scipy(shape: str) -> None:
    """For answers in use, which are other ones before and now."""
    before, now = (SHAPES[shape](np.random.default_rng(seed)) for seed in (1, 2))
    theirs = stats.permutation_test(
        (now, before),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        alternative="less",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    )
    assert ours.unpaired_p_value(list(before), list(now)) == pytest.approx(theirs.pvalue, abs=0.015)
    both = stats.bootstrap(
        (now, before),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        method="percentile",
        n_resamples=10_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    result = ours.unpaired_estimate(list(before), list(now))
    assert result.low == pytest.approx(both.low, abs=0.07 * (both.high - both.low))
    assert result.high == pytest.approx(both.high, abs=0.07 * (both.high - both.low))


@pytest.mark.parametrize(("drop", "least", "most"), [(0.0, 0.0, 0.09), (None, 0.7, 0.97)], ids=["none", "detectable"])
def test_unpaired_alarms_are_as_rare_and_as_sure_as_claimed(drop: float | None, least: float, most: float) -> None:
    """Without a drop at most about alpha; with one of the detectable size about 8 times in 10."""
    random, trials, n, alpha = np.random.default_rng(5), 80, 150, 0.05
    reference = list((random.random(20_000) < 0.8) * 1.0)
    drop = ours.unpaired_detectable_drop(reference[:n], reference[n : 2 * n], 0.02, alpha, 1) if drop is None else drop
    alarms = 0
    for _ in range(trials):
        before, now = ((random.random(n) < share) * 1.0 for share in (0.8, 0.8 - drop))
        alarms += ours.unpaired_p_value(list(before), list(now)) <= alpha and before.mean() - now.mean() > 0.02
    assert least <= alarms / trials <= most


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_what_its_definition_says(seed: int) -> None:
    """Rejecting where the adjusted p is at most alpha is Holm's step-down procedure."""
    p_values = list(np.random.default_rng(seed).uniform(0, 0.06, 8))
    rejected, remaining = set(), sorted(range(8), key=lambda i: p_values[i])
    while remaining and p_values[remaining[0]] <= 0.05 / len(remaining):
        rejected.add(remaining.pop(0))
    assert {i for i, p in enumerate(ours.holm(p_values)) if p <= 0.05} == rejected


@pytest.mark.parametrize("n", [60, 120, 500])
def test_the_detectable_drop_has_the_power_it_claims(n: int) -> None:
    """By the binomial distribution of cases that fall from 1 to 0: the sign-flip p of k falls is 2**-k."""
    alpha, tests, margin = 0.05, 8, 0.02
    drop = ours.detectable_drop([0.0] * n, margin, alpha, tests)
    needed = max(int(np.ceil(np.log2(tests / alpha))), int(np.floor(margin * n)) + 1)
    assert 0.7 <= stats.binom.sf(needed - 1, n, drop) <= 0.95
