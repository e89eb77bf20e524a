"""The page at /evals without a browser: what it says, what it hides, and that hostile text stays text."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.api.application import create_app
from app.bootstrap import Platform, open_platform
from app.evals.answers import Answered
from app.evals.baseline import accept_run
from app.evals.gate import RESULT, judge_run
from app.evals.records import SERVED, CaseResult, RunResult, Source, add_to_history, write_run
from app.settings import GateSettings, Settings
from app.stores.catalog import DocumentStatus

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
CASE = CaseResult(
    name="leave-carry-over",
    kind="single",
    critical=True,
    question="How many days?",
    expected="five",
    got="Five days. [1]",
    sources=(Source("hr/leave.md", "Leave", "Five days."),),
    scores={"hit@k": 1.0, "mrr": 0.5},
    latency_ms=12.5,
    cost_usd=0.001,
    missing={"faithfulness_judge": "503: overloaded"},
)
RUN = RunResult("questions", "2026-11-21T10:00:00+00:00", "abc1234", "0123456789ab", True, {}, (CASE,))
SETUP = {"model": "offline-extractive", "prompts": "answer@1"}


@pytest.fixture
def evals_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.evals_dir = tmp_path / "evals"
    settings.evals_dir.mkdir()
    return settings.evals_dir


def cases(*names: str, **changed: Any) -> RunResult:
    return replace(RUN, setup=SETUP, cases=tuple(replace(CASE, name=name, **changed) for name in names))


def test_before_the_first_run_it_says_what_to_do(evals_dir: Path, anonymous: TestClient) -> None:
    page = anonymous.get("/evals")
    assert page.status_code == 200
    assert "make eval" in page.text


def test_a_run_is_shown_with_its_interval_and_its_label(evals_dir: Path, anonymous: TestClient) -> None:
    write_run(evals_dir, cases("one", "two"))
    page = anonymous.get("/evals").text
    assert "Offline floor" in page
    assert "0.500 to 0.500" in page
    assert "2 of 2 cases" in page


def test_a_generating_model_is_not_called_a_floor(evals_dir: Path, anonymous: TestClient) -> None:
    write_run(evals_dir, replace(cases("one"), offline=False))
    assert "Offline floor" not in anonymous.get("/evals").text


def test_the_history_alone_is_shown_where_the_last_run_was_not_kept(evals_dir: Path, anonymous: TestClient) -> None:
    write_run(evals_dir, cases("one"))
    (evals_dir / "latest.json").unlink()
    page = anonymous.get("/evals").text
    assert "0.500 to 0.500" in page
    assert "which git does not keep" in page


def test_what_cannot_be_read_is_told_and_the_rest_shown(evals_dir: Path, anonymous: TestClient) -> None:
    write_run(evals_dir, cases("one"))
    (evals_dir / "latest.json").write_text("{")
    with (evals_dir / "history.jsonl").open("a") as history:
        history.write("{\n")
    page = anonymous.get("/evals")
    assert page.status_code == 200
    assert "1 lines of evals/history.jsonl cannot be read" in page.text
    assert "latest.json cannot be read" in page.text
    assert "0.500 to 0.500" in page.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"good", "bad", "other"}),
        ("show=lost", {"bad", "other"}),
        ("show=perfect", {"good"}),
        ("show=critical", {"good", "bad"}),
        ("kind=versions", {"other"}),
        ("q=FRIDAY", {"other"}),
        ("show=nonsense", {"good", "bad", "other"}),
        ("kind=nonsense", set()),
    ],
)
def test_filters(evals_dir: Path, anonymous: TestClient, query: str, names: set[str]) -> None:
    good = replace(CASE, name="good", scores={"hit@k": 1.0, "precision@k": 0.2})
    bad = replace(CASE, name="bad")
    other = replace(CASE, name="other", kind="versions", critical=False, question="Which day? Friday?")
    write_run(evals_dir, replace(RUN, setup=SETUP, cases=(good, bad, other)))
    page = anonymous.get(f"/evals?{query}").text
    assert {name for name in ("good", "bad", "other") if f">{name}</a>" in page} == names
    assert f"{len(names)} of 3 cases" in page


def test_a_case_opens_with_everything_about_it(evals_dir: Path, anonymous: TestClient) -> None:
    write_run(evals_dir, cases("one"))
    page = anonymous.get("/evals?case=one").text
    for said in (
        "How many days?",
        "Five days. [1]",
        "hr/leave.md, Leave",
        "503: overloaded",
        "12.5 ms",
        "0.001000 USD",
    ):
        assert said in page
    assert 'aria-expanded="true"' in page


def test_htmx_gets_the_list_alone(evals_dir: Path, anonymous: TestClient) -> None:
    write_run(evals_dir, cases("one"))
    part = anonymous.get("/evals?case=one", headers={"HX-Request-Type": "partial"})
    assert "<html" not in part.text
    assert "How many days?" in part.text
    assert part.headers["Vary"] == "HX-Request-Type"


def test_hostile_text_stays_text(evals_dir: Path, anonymous: TestClient) -> None:
    source = Source(EVIL, EVIL, EVIL)
    run = cases(EVIL, kind=EVIL, question=EVIL, expected=EVIL, got=EVIL, sources=(source,), missing={EVIL: EVIL})
    write_run(evals_dir, replace(run, commit=EVIL, setup=dict.fromkeys(SETUP, EVIL), suite=EVIL))
    page = anonymous.get("/evals", params={"case": EVIL, "q": EVIL[:8], "kind": EVIL}).text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "<img src=x" not in page


def test_the_verdict_of_the_gate_is_shown(evals_dir: Path, anonymous: TestClient) -> None:
    write_run(evals_dir, cases("one"))
    before = cases(*(f"case-{i}" for i in range(30)), scores={"hit@k": 1.0})
    worse = cases(*(f"case-{i}" for i in range(30)), scores={"hit@k": 0.0})
    accepted = accept_run(evals_dir / "baseline.json", before, EVIL)
    verdict = judge_run(worse, accepted, GateSettings.model_validate({}), ["hit@k"])
    (evals_dir / "gate.json").write_bytes(RESULT.dump_json(verdict))
    page = anonymous.get("/evals").text
    assert "Blocked" in page
    assert "is critical and fell in hit@k from 1.00 to 0.00" in page
    assert "<script>" not in page


def test_answers_in_use_are_shown_as_numbers_and_never_as_texts(
    evals_dir: Path, settings: Settings, platform: Platform, anonymous: TestClient
) -> None:
    settings.quality.content = True
    assert "No answer was scored yet" in anonymous.get("/evals").text
    for value in [1.0] * 20 + [0.5] * 20:
        answered = Answered("a" * 32, "answer@1", "m", "a secret question", "a secret answer", ())
        platform.answers.add(answered, "i", {"faithfulness_words": value})
    platform.catalog.add_feedback("a" * 32, -1, "a secret comment")
    platform.catalog.record("a.md", "0" * 64, DocumentStatus.READY)
    page = anonymous.get("/evals").text
    assert "Dropped" in page
    assert "0 found an answer helpful, 1 did not" in page
    assert "app eval due --run" in page
    assert "secret" not in page


def test_a_run_on_the_served_index_has_no_place_among_the_others(evals_dir: Path, anonymous: TestClient) -> None:
    write_run(evals_dir, cases("one", "two"))
    add_to_history(evals_dir, replace(cases("one", scores={"mrr": 0.125}), suite=f"questions{SERVED}"), "block")
    page = anonymous.get("/evals").text
    assert "mrr 0.125; against the baseline: block" in page
    assert "1 run," in page


def test_the_page_can_be_taken_away(settings: Settings) -> None:
    settings.api.evals_page = False
    with open_platform(settings) as platform, TestClient(create_app(platform)) as caller:
        assert caller.get("/evals").status_code == 404
        assert "/evals" not in caller.get("/").text
