"""What a run leaves behind: every case in one file, one line of history per run, percentiles of time and money."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.evals.records import (
    CaseResult,
    Percentiles,
    RunResult,
    Source,
    percentiles,
    read_history,
    read_latest,
    write_run,
)

CASE = CaseResult(
    name="one",
    kind="single",
    critical=False,
    question="Why?",
    expected="because",
    got="Because. [1]",
    sources=(Source("a.md", "Page 1", "Because."),),
    scores={"hit@k": 1.0, "mrr": 0.5},
    latency_ms=10,
    cost_usd=0.002,
    missing={"faithfulness_judge": "503"},
)
RUN = RunResult(
    suite="questions",
    when="2026-11-21T10:00:00+00:00",
    commit="abc",
    dataset="0123456789ab",
    offline=True,
    setup={"model": "offline-extractive", "prompts": "answer@1"},
    cases=(CASE, replace(CASE, name="two", scores={"hit@k": 0.0}, latency_ms=30)),
)


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    assert read_latest(tmp_path) == RUN


def test_each_run_adds_one_line_of_history(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    write_run(tmp_path, replace(RUN, commit="def"))
    history, unread = read_history(tmp_path)
    assert [run.commit for run in history] == ["abc", "def"]
    assert unread == 0
    assert history[0].metrics["hit@k"].mean == 0.5
    assert history[0].metrics["mrr"].n == 1
    assert history[0].latency_ms.p50 == 20
    assert history[0].cost_usd.mean == 0.002


def test_nothing_was_run_yet(tmp_path: Path) -> None:
    assert read_latest(tmp_path) is None
    assert read_history(tmp_path) == ([], 0)


def test_a_broken_line_of_history_is_counted_and_the_rest_read(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    with (tmp_path / "history.jsonl").open("a") as history:
        history.write('{"suite": "cut o\n\n<<<<<<< HEAD\n')
    write_run(tmp_path, RUN)
    runs, unread = read_history(tmp_path)
    assert (len(runs), unread) == (2, 2)


def test_a_broken_latest_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "latest.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"latest\.json"):
        read_latest(tmp_path)


def test_percentiles_of_known_values() -> None:
    assert percentiles(range(101)) == Percentiles(50, 50, 95, 99)
    assert percentiles([]) == Percentiles(0, 0, 0, 0)


def test_a_case_loses_where_it_scores_below_one() -> None:
    assert CASE.lost == {"mrr": 0.5}
    detour = replace(CASE, scores={"mrr": 1.0, "precision@k": 0.2})
    assert (detour.lost, detour.below) == ({}, {"precision@k": 0.2}), "the outcome is whole, and the loss is still told"
