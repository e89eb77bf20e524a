"""What `shipfolio update` refuses: each with its remedy, and nothing changed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shipfolio.errors import ShipfolioError
from tests.conftest import commit_all, git
from tests.update.conftest import content, edit, everything, updated


def dirty(path: Path) -> None:
    (path / "app/main.py").write_text("changed\n")


def untracked(path: Path) -> None:
    (path / "new.txt").write_text("new\n")


def merging(path: Path) -> None:
    git(path, "checkout", "--quiet", "-b", "side")
    (path / "app/main.py").write_text("side\n")
    commit_all(path, "side")
    git(path, "checkout", "--quiet", "main")
    (path / "app/main.py").write_text("main\n")
    commit_all(path, "main")
    subprocess.run(["git", "merge", "side"], cwd=path, capture_output=True)


def merging_detached(path: Path) -> None:
    git(path, "checkout", "--quiet", "--detach")
    merging(path)


def locked_index(path: Path) -> None:
    (path / ".git/index.lock").touch()


def answers(old: str, new: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        edit(path / ".copier-answers.yml", old, new)
        commit_all(path, "by hand")

    return change


def hidden(path: Path) -> None:
    git(path, "update-index", "--skip-worktree", "app/main.py")
    (path / "app/main.py").write_text("hidden work\n")


REFUSALS = {
    "changes": (dirty, {}, "not committed: app/main.py", "git add --all && git commit"),
    "untracked": (untracked, {}, "not committed: new.txt", "git stash --include-untracked"),
    "merge": (merging, {}, "in the middle of a merge", "git merge --abort"),
    "detached merge": (merging_detached, {}, "in the middle of a merge", "git merge --abort"),
    "detached": (lambda path: git(path, "checkout", "-q", "--detach"), {}, "on no branch", "git switch main"),
    "busy git": (locked_index, {}, "another git command is at work", "remove that file"),
    "hidden change": (hidden, {}, "not to look at 'app/main.py'", "--no-skip-worktree"),
    "broken answers": (answers("template: small", "template: [small"), {}, "is broken", "git checkout HEAD"),
    "answer of a wrong type": (
        answers("cloud: aws", "cloud: 3"),
        {},
        "changed by hand: cloud should be text",
        "git ch",
    ),
    "answer that never was": (
        answers("cloud: aws", "cloud: ibm"),
        {},
        "changed by hand: cloud 'ibm' is none",
        "git ch",
    ),
    "unknown answer": (answers("cloud: aws", "clodu: aws"), {}, "unknown answer 'clodu'", "git checkout HEAD"),
    "no version": (answers("_commit: v1.0.0", "_other: v1"), {}, "_commit should be text", "git checkout HEAD"),
    "option as version": (answers("v1.0.0", "--help"), {}, "does not carry template version '--help'", "it has v1"),
    "unknown version": (answers("v1.0.0", "v0.9.0"), {}, "does not carry template version 'v0.9.0'", "it has v1.0.0"),
    "newer than we": (answers("v1.0.0", "v9.0.0"), {}, "newer than this shipfolio (v3.0.0)", "pip install --upgrade"),
    "unknown target": (lambda path: None, {"to": "v7"}, "there is no template version 'v7'", "v1.0.0, v1.1.0, v2.0.0"),
    "other template": (lambda path: None, {"data": {"template": "other"}}, "cannot change the template", "new other"),
    "typo": (lambda path: None, {"data": {"clodu": "aws"}}, "did you mean 'cloud'?", "shipfolio schema"),
    "bad choice": (lambda path: None, {"data": {"cloud": "ibm"}}, "cloud 'ibm' is none of", "shipfolio schema"),
    "rule": (
        lambda path: None,
        {"data": {"cloud": "azure", "project_name": "Forbidden"}},
        "does not take the answers: cloud: not this name there",
        "--data question=answer",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_it_refuses_with_the_remedy_and_changes_nothing(project, update, case: str) -> None:
    prepare, options, message, remedy = REFUSALS[case]
    path = project()
    prepare(path)
    git(path, "status")
    before = everything(path)
    with pytest.raises(ShipfolioError) as refused:
        update(path, **options)
    assert message in refused.value.message
    assert remedy in refused.value.remedy
    after = everything(path)
    assert {name: after[name] for name in after if not name.startswith((".git/shipfolio", ".git/objects"))} == {
        name: before[name] for name in before if not name.startswith(".git/objects")
    }


def test_a_downgrade_is_refused(project, update) -> None:
    with pytest.raises(ShipfolioError, match=r"v2\.0\.0, and v1\.1\.0 is older"):
        update(project("v2.0.0"), to="v1.1.0")


def test_a_choice_that_is_gone_is_refused_and_can_be_changed(project, fresh, update) -> None:
    path = project(cloud="gcp")
    with pytest.raises(ShipfolioError, match="does not take the answers: cloud 'gcp' is none of aws, azure"):
        update(path, newest="v4.0.0")
    update(path, newest="v4.0.0", data={"cloud": "aws"})
    assert content(path) == updated(fresh(), fresh("v4.0.0"))


def test_a_folder_inside_a_repository_is_refused(project, update, tmp_path: Path) -> None:
    project()
    git(tmp_path, "init", "--quiet")
    (tmp_path / "demo/.git").rename(tmp_path / "away")
    with pytest.raises(ShipfolioError, match="is a folder inside the repository") as refused:
        update(tmp_path / "demo")
    assert "git subtree split" in refused.value.remedy


def test_no_repository_and_no_commit_are_refused(project, update, tmp_path: Path) -> None:
    path = project()
    (path / ".git").rename(tmp_path / "away")
    with pytest.raises(ShipfolioError, match="is no git repository"):
        update(path)
    assert not (path / ".git").exists()
    git(path, "init", "--quiet")
    with pytest.raises(ShipfolioError, match="has no commit yet"):
        update(path)


def test_no_author_is_refused(project, update, monkeypatch, tmp_path: Path) -> None:
    path = project()
    (tmp_path / "empty").touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "empty"))
    with pytest.raises(ShipfolioError, match="git knows no author"):
        update(path)
