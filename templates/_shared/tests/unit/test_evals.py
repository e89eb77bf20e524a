"""Known answers for the metrics and for the interval of a mean."""

from pathlib import Path

import numpy as np
import pytest

from app.evals.baseline import read_baseline
from app.evals.meanings import MEANINGS
from app.evals.metrics import hit, phrases_present, precision, recall, reciprocal_rank
from app.evals.statistics import estimate


def test_hit_and_rank_of_the_first_relevant_document() -> None:
    ranked = ["x", "b", "a"]
    assert hit(ranked, ["a"]) == 1
    assert reciprocal_rank(ranked, ["a", "b"]) == 0.5


def test_nothing_relevant_scores_zero() -> None:
    assert hit(["x"], ["a"]) == reciprocal_rank(["x"], ["a"]) == precision([], ["a"]) == 0


def test_recall_counts_each_document_that_was_to_be_found_once() -> None:
    assert recall(["x", "a", "a"], ["a", "b"]) == 0.5
    assert recall([], ["a"]) == 0
    assert recall(["x"], []) == 1


def test_precision_counts_every_citation() -> None:
    assert precision(["a", "a", "x", "a"], ["a"]) == 0.75


@pytest.mark.parametrize(
    ("text", "phrases", "share"),
    [
        ("It takes 15 minutes.", ["5 minutes"], 0),
        ("It takes\n5   MINUTES.", ["5 minutes"], 1),
        ("Only five.", ["five", "six"], 0.5),
        ("Anything", [], 1),
    ],
)
def test_phrases_count_as_whole_words_whatever_their_spacing(text: str, phrases: list[str], share: float) -> None:
    assert phrases_present(text, phrases) == share


def test_the_interval_of_a_constant_is_a_point() -> None:
    result = estimate([0.5] * 20)
    assert (result.mean, result.low, result.high, result.n) == (0.5, 0.5, 0.5, 20)


def test_the_interval_agrees_with_the_normal_one_where_that_holds() -> None:
    values = list(np.random.default_rng(1).normal(0.6, 0.1, 400))
    result = estimate(values)
    half = 1.96 * np.std(values) / np.sqrt(len(values))
    assert result.low == pytest.approx(result.mean - half, abs=0.002)
    assert result.high == pytest.approx(result.mean + half, abs=0.002)


def test_the_same_values_give_the_same_interval() -> None:
    assert estimate([0, 1, 1, 0, 1]) == estimate([0, 1, 1, 0, 1])


def test_no_values_have_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one"):
        estimate([])


@pytest.mark.parametrize("path", sorted(Path("evals/baseline").glob("*.json")), ids=lambda path: path.stem)
def test_every_metric_of_a_baseline_has_a_meaning(path: Path) -> None:
    assert {metric for scores in read_baseline(path).scores.values() for metric in scores} <= MEANINGS.keys()
