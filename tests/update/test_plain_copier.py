"""Plain `copier copy` and `copier update`, without our command line and without --trust."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from shipfolio.source import TEMPLATE_URL, Source
from tests.conftest import VERSION, commit_all, files_of, git
from tests.render.test_hostile import HOSTILE
from tests.update.conftest import NEXT


@pytest.fixture
def project(tmp_path: Path, history: Path, questionnaire) -> Path:
    """A project of the first version, made by us, committed, with hostile answers."""
    return make(tmp_path / "demo", history, questionnaire)


def make(path: Path, history: Path, questionnaire, **answers: str) -> Path:
    from shipfolio.answers import resolve
    from shipfolio.create import Request, create

    complete = resolve(questionnaire, {"template": "agent", **HOSTILE, **answers})
    source = Source(location=history, ref=f"v{VERSION}")
    create(Request(template="agent", path=path, answers=complete, source=source, with_lock=False))
    return path


def stored(project: Path) -> dict:
    return yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))


def test_copy_asks_for_no_trust_and_gives_what_we_give(copier, tmp_path: Path, history: Path, questionnaire) -> None:
    ours = make(tmp_path / "ours", history, questionnaire, project_name="Demo")
    data = [part for key, value in stored(ours).items() if not key.startswith("_") for part in ("-d", f"{key}={value}")]
    copier("copy", "--defaults", "--quiet", *data, "-r", f"v{VERSION}", TEMPLATE_URL, tmp_path / "plain")
    assert files_of(tmp_path / "plain") == files_of(ours)
    for name in files_of(ours):
        assert (tmp_path / "plain" / name).read_bytes() == (ours / name).read_bytes(), name


OWNED = (
    "prompts/answer/v1.md",
    "evals/golden/mine.yaml",
    "evals/baseline/b.json",
    "docs/story.md",
    ".env",
    "infra/dev.tfvars",
)


def test_update_brings_the_changes_and_keeps_answers_edits_and_what_the_learner_owns(copier, project: Path) -> None:
    before = stored(project)
    notes = project / "NOTES.md"
    notes.write_text(notes.read_text("utf-8").replace("line 10", "line 10, mine"), "utf-8")
    for name in OWNED:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("mine\n", "utf-8")
    git(project, "add", "--all", "--force")
    git(project, "commit", "-q", "-m", "mine")
    copier("update", "--defaults", "--quiet", "--skip-answered", project)
    assert "line 5, newer\n" in notes.read_text("utf-8")
    assert "line 10, mine\n" in notes.read_text("utf-8")
    assert '"generation": 2' in (project / "app/about.json").read_text("utf-8")
    assert (project / "ADDED.md").is_file()
    assert {name: (project / name).read_text("utf-8") for name in OWNED} == dict.fromkeys(OWNED, "mine\n")
    assert stored(project) == {**before, "_commit": f"v{NEXT}"}
    assert not git(project, "diff", "--name-only", "--diff-filter=U")


def test_an_edit_of_the_same_line_becomes_a_conflict(copier, project: Path) -> None:
    notes = project / "NOTES.md"
    notes.write_text(notes.read_text("utf-8").replace("line 5", "line 5, mine"), "utf-8")
    commit_all(project, "my edit")
    copier("update", "--defaults", "--quiet", "--skip-answered", project)
    assert git(project, "diff", "--name-only", "--diff-filter=U") == "NOTES.md"
    assert "line 5, mine" in notes.read_text("utf-8")
    assert "line 5, newer" in notes.read_text("utf-8")


@pytest.mark.slow
def test_an_update_without_news_changes_nothing(copier, project: Path) -> None:
    copier("update", "--defaults", "--quiet", "--skip-answered", "-r", f"v{VERSION}", project)
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize("answer", ["provider=vertex", "project_name=日本", "project_name=fastapi"])
def test_plain_copy_refuses_what_we_refuse(copier: Callable, tmp_path: Path, answer: str) -> None:
    done = copier("copy", "--defaults", "-d", answer, "-r", f"v{VERSION}", TEMPLATE_URL, tmp_path / "no", check=False)
    assert done.returncode != 0
    assert "Validation error" in done.stderr
    assert not (tmp_path / "no").exists()
