"""Scores in use against those before: unpaired statistics with known answers, and the gate's rule upon them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.evals.answers import AnswerLog, Scored
from app.evals.drift import Drift, check_sides, judge_canary, judge_drift
from app.evals.gate import Verdict
from app.evals.statistics import (
    detectable_drop,
    unpaired_detectable_drop,
    unpaired_estimate,
    unpaired_p_value,
)
from app.settings import GateSettings

RULE = GateSettings.model_validate({})
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
METRIC = "faithfulness_words"


class Scores(AnswerLog):
    """A log in memory: the scores of each metric, oldest first, one a minute."""

    def __init__(self, prompt: str = "answer@1", **metrics: list[float]) -> None:
        self.by_metric = {name: scored(values, prompt) for name, values in metrics.items()}

    def metrics(self) -> list[str]:
        return list(self.by_metric)

    def latest(self, metric: str, limit: int, prompt: str = "", since: datetime | None = None) -> list[Scored]:
        found = self.by_metric[metric]
        return [s for s in found if prompt in ("", s.setup["prompt"]) and (not since or s.at >= since)][-limit:]


def scored(values: list[float], prompt: str = "answer@1") -> list[Scored]:
    setup = {"prompt": prompt, "model": "m", "index": "i"}
    return [Scored(value, NOON + timedelta(minutes=i), setup) for i, value in enumerate(values)]


def drift(*values: float, window: int = 100) -> Drift:
    return judge_drift(Scores(support=list(values)), RULE, window)


# Known answers of scipy 1.17: permutation_test(…, permutation_type="independent", alternative="less", n_resamples=inf)
@pytest.mark.parametrize(
    ("before", "now", "exact"),
    [
        ([1.0] * 5, [0.0] * 5, 1 / 252),
        ([1.0, 1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0, 1.0], 0.2619047619),
        ([0.9, 0.8, 0.7, 1.0, 0.6, 0.9], [0.5, 0.8, 0.6, 0.4, 0.9], 1 / 11),
        ([0.5] * 6, [0.5] * 6, 1.0),
    ],
)
def test_the_p_value_is_that_of_all_permutations(before: list[float], now: list[float], exact: float) -> None:
    assert unpaired_p_value(before, now) == pytest.approx(exact, abs=0.012)


def test_p_is_never_zero_and_nothing_is_said_of_nothing() -> None:
    assert 0 < unpaired_p_value([1.0] * 200, [0.0] * 200) <= 0.001
    for side in ([], [1.0]):
        with pytest.raises(ValueError, match="both sides"):
            unpaired_p_value([], side)
        with pytest.raises(ValueError, match="both sides"):
            unpaired_estimate(side, [])


def test_the_difference_has_an_interval_around_it() -> None:
    random = np.random.default_rng(3)
    before, now = list(random.uniform(0.6, 1, 150)), list(random.uniform(0.5, 0.9, 120))
    found = unpaired_estimate(before, now)
    assert found.mean == pytest.approx(np.mean(now) - np.mean(before))
    error = (np.var(before) / 150 + np.var(now) / 120) ** 0.5
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.1)
    assert found.n == 120


def test_what_is_not_paired_sees_less() -> None:
    flips = [0.0, 1.0] * 50
    unpaired = unpaired_detectable_drop(flips, flips, RULE.margin, RULE.alpha, 1)
    assert unpaired > detectable_drop([0.0] * 100, RULE.margin, RULE.alpha, 1)


def test_a_drop_is_told_with_exit_code_1() -> None:
    found = drift(*[1.0] * 100, *[0.7] * 100)
    assert (found.verdict, found.verdict.exit_code) == (Verdict.BLOCK, 1)
    (check,) = found.checks
    assert (check.n, check.before, check.now) == (100, 1.0, pytest.approx(0.7))
    assert found.since == NOON + timedelta(minutes=100)


@pytest.mark.parametrize(
    "values",
    [[0.9] * 200, [0.7] * 100 + [1.0] * 100, [1.0] * 100 + [0.985] * 100, [0.0, 1.0] * 100],
    ids=["unchanged", "better", "within the margin", "noise"],
)
def test_what_is_no_drop_passes(values: list[float]) -> None:
    assert drift(*values).verdict is Verdict.PASSED


@pytest.mark.parametrize("count", [0, 1, 39])
def test_too_few_scores_decide_nothing(count: int) -> None:
    found = drift(*[0.5] * count) if count else judge_drift(Scores(), RULE, 100)
    assert (found.verdict, found.verdict.exit_code) == (Verdict.UNDECIDED, 3)


def test_with_fewer_than_two_windows_the_halves_are_compared() -> None:
    found = drift(*[1.0] * 30, *[0.5] * 31)
    assert found.checks[0].n == 30
    assert found.verdict is Verdict.BLOCK


def test_only_the_last_two_windows_count() -> None:
    assert drift(*[1.0] * 500, *[0.5] * 100, window=50).verdict is Verdict.PASSED


def test_what_changed_in_between_is_named() -> None:
    log = Scores()
    log.by_metric = {METRIC: scored([1.0] * 50) + scored([1.0] * 50, "answer@2")}
    assert judge_drift(log, RULE, 50).changed == {"prompt": "answer@1 → answer@2"}


def test_a_drop_is_told_even_where_another_score_is_too_rare() -> None:
    log = Scores(answered=[1.0] * 50 + [0.4] * 50, judge=[1.0] * 10)
    found = judge_drift(log, RULE, 50)
    assert found.verdict is Verdict.BLOCK
    assert [check.why for check in found.checks if check.verdict is Verdict.UNDECIDED] == [
        "fewer than 20 scores on a side"
    ]


def test_several_scores_share_one_alpha() -> None:
    """The same drop, alone and among four scores: the p values are adjusted."""
    sides = (scored([1.0] * 30), scored([1.0] * 25 + [0.0] * 5))
    quiet = (scored([1.0] * 30), scored([1.0] * 30))
    alone, *_ = check_sides({"a": sides}, RULE)
    among, *_ = check_sides({"a": sides, "b": quiet, "c": quiet, "d": quiet}, RULE)
    assert among.p == alone.p
    assert among.p_holm == pytest.approx(4 * alone.p)


def test_a_canary_is_held_against_the_stable_version_since_it_began() -> None:
    log = Scores()
    worse = [Scored(s.score, s.at, {**s.setup, "prompt": "answer@2"}) for s in scored([0.5] * 40)]
    log.by_metric = {METRIC: scored([1.0] * 40) + worse}
    (check,) = judge_canary(log, RULE, "answer@1", "answer@2", NOON)
    assert check.verdict is Verdict.BLOCK
    (late,) = judge_canary(log, RULE, "answer@1", "answer@2", NOON + timedelta(minutes=30))
    assert late.verdict is Verdict.UNDECIDED
