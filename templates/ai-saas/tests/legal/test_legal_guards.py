"""The gate bites on the legal room: blind rules and a blind comparison are blocked, an unchanged system passes."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from app.evals.baseline import Baseline, accept_run
from app.evals.gate import GateResult, Verdict, judge_run
from app.evals.suite import run_suite
from app.legal import comparison, evaluation
from app.legal.clauses import Clause
from app.legal.risks import Risk, risks
from app.legal.rules import RULES
from app.settings import Settings

Measure = Callable[[], GateResult]


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    """What the system as it is reaches."""
    now = asyncio.run(run_suite(evaluation.SUITE, Settings()))
    return accept_run(tmp_path_factory.mktemp("baseline") / "legal-offline.json", now, "as it is")


@pytest.fixture
def measured(baseline: Baseline) -> Measure:
    """The gate's verdict on the system as it is by then."""
    settings = Settings()

    def judged() -> GateResult:
        return judge_run(
            asyncio.run(run_suite(evaluation.SUITE, settings)), baseline, settings.gate, evaluation.SUITE.must_hold
        )

    return judged


def test_an_unchanged_system_passes(measured: Measure) -> None:
    result = measured()
    assert result.verdict is Verdict.PASSED
    assert not result.losses


def test_rules_that_see_half_are_blocked(measured: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(clauses: Sequence[Clause]) -> list[Risk]:
        return risks(clauses, RULES[::2])

    monkeypatch.setattr(evaluation, "risks", half)
    result = measured()
    assert result.verdict is Verdict.BLOCK
    assert {loss.metric for loss in result.losses} == {"findings"}


def test_a_comparison_that_knows_only_equal_texts_is_blocked(
    measured: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "ALIKE", 1.0)
    result = measured()
    assert result.verdict is Verdict.BLOCK
    assert "compare-hosting-liability" in {loss.case for loss in result.losses}
