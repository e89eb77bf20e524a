"""After an index update the golden questions are asked again: once for all documents, and only where it is wanted."""

import json
import shutil
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.evals.due import IndexEvaluations
from app.ingestion import reevaluation
from app.ingestion.reevaluation import JOB, Reevaluation, is_wanted
from app.settings import Settings
from app.stores.catalog import Catalog, DocumentStatus

LONGEST_SECONDS = 60


@pytest.fixture
def catalog(settings: Settings) -> Catalog:
    return Catalog(settings.store.url)


def test_documents_that_came_to_rest_are_evaluated_once(catalog: Catalog) -> None:
    put: list[str] = []
    watched = Reevaluation(catalog, put.append)

    def look_twice() -> list[str]:
        put.clear()
        watched.look()
        assert put == [], "what is seen for the first time may still change"
        watched.look()
        return put

    assert look_twice() == [], "there is no document"
    catalog.record("a.md", "1", DocumentStatus.QUEUED)
    catalog.record("b.md", "2", DocumentStatus.READY)
    assert look_twice() == [], "one still waits"
    catalog.record("a.md", "1", DocumentStatus.READY)
    assert look_twice() == [JOB]
    assert look_twice() == [], "it was put already"
    IndexEvaluations(catalog).note(catalog.version())
    assert look_twice() == [], "it was evaluated"
    catalog.record("c.md", "3", DocumentStatus.READY)
    assert look_twice() == [JOB]


@pytest.mark.parametrize(
    ("when", "model", "wanted"),
    [
        ("offline", "offline", True),
        ("offline", "openai:gpt-5-mini", False),
        ("always", "openai:gpt-5-mini", True),
        ("never", "offline", False),
    ],
)
def test_a_model_that_costs_money_is_asked_only_where_that_was_said(when: str, model: str, wanted: bool) -> None:
    settings = Settings.model_validate({"quality": {"reevaluate": when}, "llm": {"primary": model}})
    assert is_wanted(settings) is wanted


def test_uploads_lead_to_one_line_in_the_history(
    app: FastAPI, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree("evals/golden", tmp_path / "evals/golden")
    shutil.copytree("evals/baseline", tmp_path / "evals/baseline")
    monkeypatch.setenv("APP_EVALS_DIR", str(tmp_path / "evals"))
    monkeypatch.setenv("APP_STORE__URL", settings.store.url)
    monkeypatch.setattr(reevaluation, "REST_SECONDS", 0.3)
    history = tmp_path / "evals/history.jsonl"
    with TestClient(app, headers={"Authorization": "Bearer test-key"}) as caller:
        for name in ("hr/leave-policy.md", "hr/expenses.md"):
            text = Path("samples", name).read_text("utf-8")
            assert caller.post("/v1/documents", json={"name": name, "text": text}).status_code == 202
        deadline = time.monotonic() + LONGEST_SECONDS
        while not history.exists() and time.monotonic() < deadline:
            assert caller.get("/healthz").elapsed.total_seconds() < 1
            time.sleep(0.1)
        time.sleep(1)  # a second evaluation would begin in this time, and its job would end with the service
        documents = [state["status"] for state in caller.get("/v1/documents").json()]
    assert documents == ["ready", "ready"]
    assert history.exists(), "nobody asked the golden questions"
    (line,) = map(json.loads, history.read_text("utf-8").splitlines())
    assert line["suite"] == "questions on the served index"
    assert line["verdict"] == "block", "most documents that the cases ask for are not there"
