"""`app eval` from the first run to a blocked regression, as a reader types it."""

import json
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from app.cli import cli
from app.errors import AppError
from app.evals import commands
from app.evals.answers import Answered, AnswerLog
from app.prompts import rollout
from app.prompts.registry import PromptRegistry
from app.prompts.versions import Scores, read_version, write_version
from app.settings import Settings
from app.stores.catalog import Catalog


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


def test_what_another_than_the_model_answered_is_never_scored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the provider's port. A reader would get copied sentences, or the fallback's answer."""
    evals, prompts = folder / "evals", folder / "prompts"
    keep_cases(evals / "golden/questions.yaml", 6)
    assert exit_code(app("run")) == 0, "an older run, which nobody must accept for the next one"
    history = (evals / "history.jsonl").read_text("utf-8")
    shutil.copytree("prompts", prompts)
    rollout.draft(prompts, PromptRegistry(prompts), "answer", "ada", datetime.now(UTC))
    for name, value in {
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "APP_LLM__PRIMARY": "openai:gpt-5-mini",
        "APP_LLM__FALLBACK": "offline",
        "APP_LLM__RETRIES": "0",
        "APP_PROMPTS_DIR": str(prompts),
    }.items():
        monkeypatch.setenv(name, value)

    ran = app("run")
    assert exit_code(ran) == 3
    assert "of 6 cases were not answered by 'gpt-5-mini'; 'leave-carry-over': No model" in str(ran.exception)
    assert exit_code(app("accept", "--reason", "it looks well")) == 1, "there is no run"
    assert not (evals / "baseline").exists()
    assert (evals / "history.jsonl").read_text("utf-8") == history
    evaluated = CliRunner().invoke(cli, ["prompts", "evaluate", "answer@2"])
    assert exit_code(evaluated) == 3
    assert read_version(prompts / "answer/v2.md").front.scores is None


def test_variants_are_ranked_with_their_intervals_and_cost(folder: Path) -> None:
    done = app("compare", "--variant", "top_k=1", "--json")
    first, second = json.loads(done.stdout)
    assert (first["label"], second["label"]) == ("now", "top_k=1")
    assert second["against"]["high"] < 0
    assert second["cost_usd"]["mean"] == 0
    assert not (folder / "evals/history.jsonl").exists()


def test_a_variant_without_a_meaning_is_refused_before_anything_runs(folder: Path) -> None:
    assert exit_code(app("compare", "--variant", "topk=1")) == 2


def test_an_index_update_makes_an_evaluation_due(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From nothing over documents that no case is about to an evaluation of the served samples."""
    shutil.copytree("evals/baseline", folder / "evals/baseline")
    monkeypatch.setenv("APP_STORE__URL", f"sqlite:///{folder}/app.db")
    history = folder / "evals/history.jsonl"
    assert "Nothing is due" in app("due").stdout
    (folder / "other.md").write_text("# Other\n\nNothing that a golden question asks for.\n", "utf-8")
    assert CliRunner().invoke(cli, ["ingest", str(folder / "other.md")]).exit_code == 0
    due = app("due")
    assert exit_code(due) == 1
    assert "never asked" in due.stdout
    assert exit_code(app("due", "--run")) == 3, "the library holds none of the documents"
    assert not history.exists()

    assert CliRunner().invoke(cli, ["ingest", "samples"]).exit_code == 0
    asked = app("due", "--run")
    assert exit_code(asked) == 0
    assert "questions on the served index: PASS" in asked.stdout
    (line,) = map(json.loads, history.read_text("utf-8").splitlines())
    assert (line["suite"], line["verdict"]) == ("questions on the served index", "pass")
    assert not (folder / "evals/latest.json").exists(), "what `accept` takes is a run on the samples alone"
    assert exit_code(app("due")) == 0

    assert CliRunner().invoke(cli, ["forget", "security/access-policy.md"]).exit_code == 0
    history.unlink()
    history.mkdir()  # as in a container: it cannot be written
    worse = app("due", "--run")
    assert exit_code(worse) == 1, "critical cases lost their document"
    assert "on the served index: BLOCK" in worse.stdout
    assert "The history was not written" in worse.stderr
    assert exit_code(app("due")) == 0, "it was asked, whatever came of it"


def test_drift_of_answers_in_use_has_the_exit_codes_of_the_gate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{folder}/app.db"
    monkeypatch.setenv("APP_STORE__URL", url)
    assert exit_code(app("drift")) == 3, "there are no scores"
    fill(url, "answer@1", [0.9] * 50)
    assert exit_code(app("drift")) == 0
    fill(url, "answer@2", [0.5] * 25)
    dropped = app("drift", "--window", "25")
    assert exit_code(dropped) == 1
    assert "Changed in between: prompt answer@1 → answer@2" in dropped.stdout
    told = json.loads(app("drift", "--window", "25", "--json").stdout)
    assert (told["verdict"], told["checks"][0]["metric"]) == ("block", "faithfulness_words")


def test_a_canary_that_answers_worse_in_use_is_not_promoted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, prompts = f"sqlite:///{folder}/app.db", folder / "prompts"
    shutil.copytree("prompts", prompts)
    monkeypatch.setenv("APP_STORE__URL", url)
    monkeypatch.setenv("APP_PROMPTS_DIR", str(prompts))
    promote = ["prompts", "promote", "answer@2", "--percent", "99.9", "--reason", "no day to wait in a test"]
    draft_that_passed(prompts)
    assert CliRunner().invoke(cli, [*promote[:3], "--percent", "10"]).exit_code == 0
    fill(url, "answer@1", [0.9] * 25)
    fill(url, "answer@2", [0.6] * 15)
    few = CliRunner().invoke(cli, promote[:5], env={"COLUMNS": "250"})
    assert "nothing can be said of it in use (faithfulness_words: fewer than 20 scores" in str(few.exception)
    fill(url, "answer@2", [0.6] * 10)
    refused = CliRunner().invoke(cli, promote, env={"COLUMNS": "250"})
    assert isinstance(refused.exception, AppError)
    assert "answer@2 answers worse than the stable version: faithfulness_words" in str(refused.exception)
    assert "answer@2 in use against answer@1: BLOCK" in refused.stdout
    assert "canary: '2'" in (prompts / "registry.yaml").read_text("utf-8"), "nothing changed"
    fill(url, "answer@2", [1.0] * 60)
    assert "served to 99.9 %" in CliRunner().invoke(cli, promote).stdout


def keep_cases(path: Path, count: int) -> None:
    """Leave the first golden cases only."""
    data = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump({**data, "cases": data["cases"][:count]}), "utf-8")


def fill(url: str, prompt: str, values: list[float]) -> None:
    """Scores in use of a prompt version."""
    with closing(Catalog(url)) as catalog:
        log = AnswerLog(catalog.engine, Settings().quality)
        for value in values:
            log.add(Answered("0" * 32, prompt, "m", "", "", ()), "i", {"faithfulness_words": value})


def draft_that_passed(prompts: Path) -> None:
    """Version 2 of the answer prompt, with a passing evaluation in its file."""
    path = rollout.draft(prompts, PromptRegistry(prompts), "answer", "ada", datetime.now(UTC))
    prompt = read_version(path)
    scores = Scores(
        body_sha256=prompt.body_sha256,
        evaluated=datetime.now(UTC),
        against="answer@1",
        model="offline",
        dataset="d",
        verdict="pass",
        metrics={},
    )
    write_version(replace(prompt, front=prompt.front.model_copy(update={"scores": scores})))
