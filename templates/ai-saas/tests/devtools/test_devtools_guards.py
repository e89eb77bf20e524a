"""The gate bites on the developers' room: code that is cut like prose is blocked, an unchanged system passes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.devtools.evaluation import SUITE
from app.devtools.flavour import FLAVOUR
from app.evals.baseline import Baseline, accept_run
from app.evals.gate import GateResult, Verdict, judge_run
from app.evals.suite import run_suite
from app.ingestion import parsing
from app.ingestion.sections import parse_text
from app.settings import Settings

Measure = Callable[[], GateResult]


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    """What the system as it is reaches."""
    now = asyncio.run(run_suite(SUITE, Settings()))
    return accept_run(tmp_path_factory.mktemp("baseline") / "devtools-offline.json", now, "as it is")


@pytest.fixture
def measured(baseline: Baseline) -> Measure:
    """The gate's verdict on the system as it is by then."""
    settings = Settings()

    def judged() -> GateResult:
        return judge_run(asyncio.run(run_suite(SUITE, settings)), baseline, settings.gate, SUITE.must_hold)

    return judged


def test_an_unchanged_system_passes(measured: Measure) -> None:
    result = measured()
    assert result.verdict is Verdict.PASSED
    assert not result.losses


def test_code_that_is_cut_like_prose_is_blocked(measured: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(parsing.PARSERS, ".py", parse_text)
    monkeypatch.setattr("app.devtools.evaluation.FLAVOUR", replace(FLAVOUR, readers={}))
    result = measured()
    assert result.verdict is Verdict.BLOCK
    assert "found" in {check.metric for check in result.checks if check.verdict is Verdict.BLOCK}
