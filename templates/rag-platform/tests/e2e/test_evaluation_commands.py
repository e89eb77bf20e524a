"""`app eval` from the first run to a blocked regression, as a reader types it."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from app.errors import AppError
from app.evals import commands


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for everything that the commands write, with the golden cases in it."""
    shutil.copytree("evals/golden", tmp_path / "evals/golden")
    monkeypatch.setenv("APP_EVALS_DIR", str(tmp_path / "evals"))
    monkeypatch.setattr(commands, "RESULTS", tmp_path / "results.md")
    return tmp_path


def app(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["eval", *arguments], env={"COLUMNS": "250"})


def exit_code(done: Result) -> int:
    """What a shell would see: `main` turns an expected error into its exit code."""
    return done.exception.exit_code if isinstance(done.exception, AppError) else done.exit_code


def test_from_the_first_run_to_a_blocked_regression(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evals = folder / "evals"
    assert exit_code(app("gate")) == 3, "there is no baseline"
    assert exit_code(app("accept", "--reason", "too early")) == 1, "there is no run"
    assert exit_code(app("report")) == 1, "there is no verdict"

    assert exit_code(app("run")) == 0
    assert "key_phrases" in (folder / "results.md").read_text("utf-8")
    assert len((evals / "history.jsonl").read_text("utf-8").splitlines()) == 1
    assert exit_code(app("accept", "--reason", " ")) == 2
    assert exit_code(app("accept", "--reason", "the first run")) == 0
    assert "the first run" in (evals / "baseline/questions-offline.json").read_text("utf-8")

    monkeypatch.setenv("APP_RETRIEVAL__TOP_K", "1")
    blocked = app("gate")
    assert exit_code(blocked) == 1
    assert "top_k 5 → 1" in blocked.stdout
    assert json.loads(app("report", "--json").stdout)["verdict"] == "block"
    assert "## Evaluation gate: block" in app("report").stdout
    monkeypatch.delenv("APP_RETRIEVAL__TOP_K")

    golden = evals / "golden/questions.yaml"
    golden.write_text(golden.read_text("utf-8").replace("unused leave days", "leave days", 1), "utf-8")
    assert exit_code(app("gate")) == 3, "the golden set is another one"
    assert not (evals / "gate.json").exists(), "an old verdict does not stand for a new run"
    assert exit_code(app("accept", "--reason", "a new question")) == 3, "the last run is of the old cases"


def test_variants_are_ranked_with_their_intervals_and_cost(folder: Path) -> None:
    done = app("compare", "--variant", "top_k=1", "--json")
    first, second = json.loads(done.stdout)
    assert (first["label"], second["label"]) == ("now", "top_k=1")
    assert second["against"]["high"] < 0
    assert second["cost_usd"]["mean"] == 0
    assert not (folder / "evals/history.jsonl").exists()


def test_a_variant_without_a_meaning_is_refused_before_anything_runs(folder: Path) -> None:
    assert exit_code(app("compare", "--variant", "topk=1")) == 2
