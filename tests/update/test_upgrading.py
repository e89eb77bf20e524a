"""UPGRADING.md: its form, its conditions, and that its commands do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from shipfolio import upgrading
from shipfolio.errors import ShipfolioError
from shipfolio.questions import load
from shipfolio.source import History, Source
from shipfolio.update import update_project
from shipfolio.versions import is_newer
from tests.conftest import ROOT
from tests.update import small
from tests.update.conftest import NEWEST, content, made

OURS = (ROOT / upgrading.FILE).read_text("utf-8")


def test_conditions_name_questions_and_answers_that_exist() -> None:
    questions = load(ROOT).questions
    for step in upgrading.steps(OURS):
        for question, values in step.conditions.items():
            assert set(values) <= set(questions[question].values), step.title


def test_each_entry_of_ours_has_a_test_that_performs_it() -> None:
    names = {name for name in globals() if name.startswith("test_entry_")}
    titles = {"test_entry_" + "_".join(step.title.lower().split()) for step in upgrading.steps(OURS)}
    assert titles == names, "write test_entry_<title in lower case>, which runs the commands of that entry"


@pytest.fixture
def perform(real: Source, versions: History, asked, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """`perform(title, template)`: the entry's commands in an updated project of the version before, and a fresh one.

    `files` are the learner's own, by path.
    """

    def run(title: str, template: str, files: Mapping[str, str] | None = None, **answers: str) -> tuple[Path, Path]:
        (step,) = [step for step in upgrading.steps(OURS) if step.title == title]
        before = [name for name in versions.versions if is_newer(f"v{step.version}", name)][-1]
        made(real, asked, before, tmp_path / "demo", {"template": template, **answers})
        made(real, asked, NEWEST, tmp_path / "fresh", {"template": template, **answers})
        update_project(tmp_path / "demo", real, history=versions)
        for name, text in (files or {}).items():
            (tmp_path / "demo" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "demo" / name).write_text(text, "utf-8")
        command = tmp_path / "bin/shipfolio"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m shipfolio "$@"\n')
        command.chmod(0o755)
        found = {"PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": str(real.location / "generator")}
        for block in step.commands:
            shell = ["sh", "-e", "-c", block]
            subprocess.run(shell, cwd=tmp_path / "demo", env={**os.environ, **found}, check=True, capture_output=True)
        return tmp_path / "demo", tmp_path / "fresh"

    return run


@pytest.mark.parametrize(("before", "after"), [("True", "offline"), ("false", "never"), ("1", "offline")])
def test_entry_say_when_the_golden_questions_are_asked_again(perform, before: str, after: str) -> None:
    env = {".env": f"APP_LOG__LEVEL=DEBUG\nAPP_QUALITY__REEVALUATE={before}\n"}
    updated, _ = perform("Say when the golden questions are asked again", "rag-platform", env)
    line = f"APP_QUALITY__REEVALUATE={after}"
    assert (updated / ".env").read_text("utf-8").splitlines() == ["APP_LOG__LEVEL=DEBUG", line]
    assert after in re.findall(r'"(\w+)"', (updated / "app/settings.py").read_text("utf-8").split("reevaluate:")[1])


def test_entry_follow_the_moved_questions_and_documents(perform) -> None:
    moved = {
        "app/own.py": "from app.answering.routes import Question, open_answering\n",
        "tests/own.py": "from app.answering.evaluation import Expected, score\n",
        "tests/other.py": "from app.ingestion.routes import DocumentState\n",
        "app/mixed.py": "from app.answering.routes import Question, router\n",
    }
    updated, _ = perform("Follow the moved questions and documents", "rag-platform", moved)
    lines = {name: (updated / name).read_text("utf-8") for name in moved}
    assert lines == {
        "app/own.py": "from app.answering.chat import Question, open_answering\n",
        "tests/own.py": "from app.answering.scoring import Expected, score\n",
        "tests/other.py": "from app.ingestion.receiving import DocumentState\n",
        "app/mixed.py": moved["app/mixed.py"],
    }
    for line in [lines["app/own.py"], lines["tests/own.py"], lines["tests/other.py"]]:
        _, module, _, names = line.split(maxsplit=3)
        text = (updated / f"{module.replace('.', '/')}.py").read_text("utf-8")
        missing = [name for name in names.strip().split(", ") if not re.search(rf"^(class|def) {name}\b", text, re.M)]
        assert missing == []


@pytest.mark.parametrize("product", ["research", "support"])
def test_entry_serve_the_prompts_of_the_product(perform, product: str) -> None:
    updated, fresh = perform("Serve the prompts of the product", "ai-saas", product=product)
    for name in ("registry.yaml", "lock.yaml"):
        assert (updated / "prompts" / name).read_bytes() == (fresh / "prompts" / name).read_bytes()
    assert content(updated) == content(fresh)  # the skeleton of before held nothing else of one's own


def test_entry_take_the_new_objectives(perform) -> None:
    updated, fresh = perform("Take the new objectives", "agent")
    for name in ("evals/golden/objectives.yaml", "evals/baseline/objectives-offline.json", "docs/results.md"):
        assert (updated / name).read_bytes() == (fresh / name).read_bytes()
    cases = yaml.safe_load((updated / "evals/golden/objectives.yaml").read_text("utf-8"))["cases"]
    states = {case["name"]: case["expected_output"].get("state") for case in cases}
    assert states["unknown-flight"] == "failed"


def test_entry_serve_the_prompts_of_the_agent(perform) -> None:
    updated, fresh = perform("Serve the prompts of the agent", "agent")
    for name in ("registry.yaml", "lock.yaml"):
        assert (updated / "prompts" / name).read_bytes() == (fresh / "prompts" / name).read_bytes()
    assert set(yaml.safe_load((updated / "prompts/registry.yaml").read_text("utf-8"))["prompts"]) >= {"plan", "work"}


def test_entry_follow_the_moved_scopes(perform) -> None:
    own = {
        "app/own.py": "from app.stores.keys import Scope\n",
        "tests/own.py": "from app.settings import AnsweringSettings\n",
    }
    updated, _ = perform("Follow the moved scopes", "rag-platform", own)
    assert (updated / "app/own.py").read_text("utf-8") == "from app.scopes import Scope\n"
    assert (updated / "tests/own.py").read_text("utf-8") == "from app.product_settings import AnsweringSettings\n"


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_entry_fill_in_the_cloud_of_a_cluster(perform, cloud: str) -> None:
    updated, _ = perform("Fill in the cloud of a cluster", "rag-platform", deploy="kubernetes", cloud=cloud)
    assert not (updated / "deploy/base/secrets.yaml").exists()
    assert not (updated / "deploy/base/identity.yaml").exists()
    assert (updated / "deploy/overlays/prod/cloud.yaml").is_file()


def test_entry_keep_conversations_longer(perform) -> None:
    updated, _ = perform("Keep conversations longer", "rag-platform", {".env": "APP_LOG__LEVEL=DEBUG\n"})
    assert (updated / ".env").read_text("utf-8").splitlines()[-1] == "APP_ANSWERING__KEEP_DAYS=0"
    assert "APP_ANSWERING__KEEP_DAYS=" in (updated / ".env.example").read_text("utf-8")


def test_the_examples_commands_do_what_its_title_says(project, update) -> None:
    path = project()
    steps = {step.title: step for step in update(path).steps}
    assert list(steps) == ["Rename the table", "Say hello"]
    before = content(path)["data/table.csv"]
    for command in steps["Rename the table"].commands:
        subprocess.run(["sh", "-e", "-c", command], cwd=path, check=True)
    assert content(path)["data/tables.csv"] == before


def test_steps_come_in_the_order_in_which_they_became_due() -> None:
    due = upgrading.applicable(small.UPGRADING, {"cloud": "azure"}, "v1.0.0", "v3.0.0")
    assert [(step.version, step.title) for step in due] == [("2.0.0", "Only on Azure"), ("3.0.0", "Say hello")]
    assert upgrading.applicable(small.UPGRADING, {"cloud": "azure"}, "v2.0.0", "v2.5.0") == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("## 1.0.0\n\n### Title\nDo it.\n\nText.\n", "'Title' does not begin with 'Applies to:'"),
        ("## 1.0.0\n\n### Title\nApplies to: the clouds\n\nText.\n", "'Title': conditions 'the clouds'"),
        ("## 1.0.0\n\n### Title\nApplies to: cloud =\n\nText.\n", "'Title': conditions ''"),
        ("## 1.0.0\n\n### Title\nApplies to: every project\n", "'Title': text ''"),
        ("## next\n\n### Title\nApplies to: every project\n\nText.\n", "'Title': version 'next'"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(entry: str, message: str) -> None:
    with pytest.raises(ShipfolioError, match=message) as refused:
        upgrading.steps(entry)
    assert refused.value.remedy
