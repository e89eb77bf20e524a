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
