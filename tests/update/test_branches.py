"""What `shipfolio update` does to the repository: one commit on a branch, undone by one command."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import commit_all, git
from tests.update.conftest import content, edit, updated


def test_it_is_one_commit_on_a_branch_of_its_own(project, update) -> None:
    path = project()
    before = git(path, "rev-parse", "main")
    outcome = update(path)
    assert git(path, "branch", "--show-current") == outcome.branch == "shipfolio-update-v3.0.0"
    assert git(path, "rev-parse", "HEAD") == outcome.commit
    assert git(path, "rev-parse", "HEAD^") == git(path, "rev-parse", "main") == before
    assert git(path, "log", "-1", "--format=%an %s") == "Test Person Update from shipfolio small v1.0.0 to v3.0.0"
    assert git(path, "status", "--porcelain") == ""
    assert git(path, "fsck", "--strict") == ""


def test_the_printed_commands_keep_and_undo(project, fresh, update) -> None:
    path = project()
    undone = update(path).undo
    subprocess.run(undone, shell=True, check=True, capture_output=True)
    assert content(path) == content(fresh())
    assert git(path, "branch", "--format=%(refname:short)") == "main"
    subprocess.run(update(path).keep, shell=True, check=True, capture_output=True)
    assert git(path, "branch", "--show-current") == "main"
    assert content(path) == updated(fresh(), fresh("v3.0.0"))


def test_a_solved_conflict_is_committed_with_the_prepared_message(project, update) -> None:
    path = project()
    edit(path / "app/main.py", "main 5\n", "main 5, mine\n")
    commit_all(path, "mine")
    update(path)
    (path / "app/main.py").write_text("solved\n")
    git(path, "add", "--all")
    git(path, "-c", "core.editor=true", "commit", "--quiet")
    assert git(path, "log", "-1", "--format=%s") == "Update from shipfolio small v1.0.0 to v3.0.0"
    assert git(path, "rev-list", "--count", "main..HEAD") == "1"
    assert update(path).nothing_to_do


def test_an_update_with_conflicts_is_undone_by_the_printed_command(project, update) -> None:
    path = project()
    edit(path / "app/main.py", "main 5\n", "main 5, mine\n")
    commit_all(path, "mine")
    before = content(path)
    subprocess.run(update(path).undo, shell=True, check=True, capture_output=True)
    assert content(path) == before
    assert git(path, "status", "--porcelain") == ""


def test_a_second_update_takes_the_next_free_branch(project, update) -> None:
    path = project()
    update(path)
    git(path, "checkout", "--quiet", "main")
    assert update(path).branch == "shipfolio-update-v3.0.0-2"


def test_hooks_of_the_learner_do_not_stop_it(project, fresh, update) -> None:
    path = project()
    for name in ("pre-commit", "post-checkout", "commit-msg"):
        hook = path / ".git/hooks" / name
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    update(path)
    assert content(path) == updated(fresh(), fresh("v3.0.0"))


def test_a_linked_work_tree_is_updated_alone(project, fresh, update, tmp_path: Path) -> None:
    path = project()
    git(path, "worktree", "add", "--quiet", "-b", "second", str(tmp_path / "second"))
    outcome = update(tmp_path / "second")
    assert content(path) == content(fresh())
    assert git(tmp_path / "second", "branch", "--show-current") == outcome.branch
    assert set(content(tmp_path / "second")) - {".git"} == set(updated(fresh(), fresh("v3.0.0")))


def test_a_submodule_is_a_repository_like_any_other(project, update, tmp_path: Path) -> None:
    path = project()
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(path), "inner")
    commit_all(outer, "with a submodule")
    assert update(outer / "inner").branch == "shipfolio-update-v3.0.0"
    assert git(outer, "status", "--porcelain") == "M inner"


def test_a_shallow_clone_is_updated(project, fresh, update, tmp_path: Path) -> None:
    path = project()
    (path / "x.txt").write_text("x")
    commit_all(path, "second")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{path}", "shallow/demo")
    update(tmp_path / "shallow/demo")
    assert content(tmp_path / "shallow/demo") == {**updated(fresh(), fresh("v3.0.0")), "x.txt": b"x"}
