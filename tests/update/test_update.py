"""`shipfolio update`: what it merges, keeps, lists and refuses, on the small template."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shipfolio.errors import ShipfolioError
from tests.conftest import commit_all, git
from tests.update.conftest import content, everything, updated
from tests.update.small import numbered


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_an_untouched_project_becomes_a_fresh_one(project, fresh, update) -> None:
    path = project()
    outcome = update(path)
    assert content(path) == updated(fresh(), fresh("v3.0.0"))
    assert (outcome.from_version, outcome.to_version) == ("v1.0.0", "v3.0.0")
    assert outcome.added == ["ADDED.md", "REGION.md", "app/new_name.py", "local/hidden.md"]
    assert outcome.changed == [".copier-answers.yml", "app/main.py", "data/blob.bin"]
    assert outcome.removed == ["app/dropped.py", "app/old_name.py"]
    assert outcome.new_answers == {"region": "north"}
    assert outcome.left == ["prompts/answer.md"]
    assert not outcome.needs_person


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


def test_edits_are_merged(project, update) -> None:
    path = project()
    edit(path / "app/main.py", "main 15\n", "main 15, mine\n")
    (path / "app/mine.py").write_text("mine\n")
    commit_all(path, "mine")
    outcome = update(path)
    assert outcome.merged == ["app/main.py"]
    expected = numbered("main").replace("main 5\n", "main 5, newer\n").replace("main 15\n", "main 15, mine\n")
    assert (path / "app/main.py").read_text() == expected.replace("main 25\n", "main 25, newest\nmain 25b\n")
    assert (path / "app/mine.py").read_text() == "mine\n"
    assert not outcome.needs_person


def test_a_conflict_is_listed_with_its_line_and_left_for_git(project, update) -> None:
    path = project()
    edit(path / "app/main.py", "main 5\n", "main 5, mine\n")
    commit_all(path, "mine")
    before = content(path)
    outcome = update(path)
    (conflict,) = outcome.conflicts
    lines = (path / "app/main.py").read_text().splitlines()
    assert (conflict.path, conflict.lines) == ("app/main.py", [lines.index("<<<<<<< before updating") + 1])
    assert {"main 5, mine", "main 5, newer"} <= set(lines)
    assert outcome.needs_person
    assert outcome.commit is None
    assert git(path, "diff", "--name-only", "--diff-filter=U") == "app/main.py"
    assert git(path, "show", ":2:app/main.py") == before["app/main.py"].decode().strip()
    assert subprocess.run(["git", "commit", "-qm", "x"], cwd=path, capture_output=True).returncode != 0


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


def test_an_edit_in_a_dropped_or_renamed_file_is_kept_and_said(project, update) -> None:
    path = project()
    edit(path / "app/dropped.py", "dropped 3\n", "dropped 3, mine\n")
    edit(path / "app/old_name.py", "named 3\n", "named 3, mine\n")
    commit_all(path, "mine")
    outcome = update(path)
    assert {kept.path: kept.moved_to for kept in outcome.kept} == {
        "app/dropped.py": "",
        "app/old_name.py": "app/new_name.py",
    }
    assert "dropped 3, mine\n" in (path / "app/dropped.py").read_text()
    assert "named 3, mine\n" in (path / "app/old_name.py").read_text()
    assert (path / "app/new_name.py").read_text() == numbered("named")
    assert outcome.needs_person
    assert outcome.commit
    assert git(path, "status", "--porcelain") == ""


def test_a_binary_file_that_both_sides_changed_stays_the_learners(project, update) -> None:
    path = project()
    (path / "data/blob.bin").write_bytes(b"\0mine")
    commit_all(path, "mine")
    outcome = update(path)
    assert [kept.path for kept in outcome.kept] == ["data/blob.bin"]
    assert (path / "data/blob.bin").read_bytes() == b"\0mine"


def test_a_binary_file_of_the_learner_stops_nothing(project, update) -> None:
    path = project()
    (path / "picture.png").write_bytes(b"\x89PNG\0\xff")
    edit(path / "app/main.py", "main 15\n", "main 15, mine\n")
    commit_all(path, "mine")
    outcome = update(path)
    assert (path / "picture.png").read_bytes() == b"\x89PNG\0\xff"
    assert outcome.merged == ["app/main.py"]
    assert not outcome.needs_person


def test_deleted_files_stay_deleted_and_owned_ones_untouched(project, update) -> None:
    path = project()
    (path / "app/main.py").unlink()
    (path / "prompts/answer.md").write_text("my prompt\n")
    commit_all(path, "mine")
    outcome = update(path)
    assert not (path / "app/main.py").exists()
    assert (path / "prompts/answer.md").read_text() == "my prompt\n"
    assert not outcome.needs_person


def test_ignored_files_are_never_touched(project, update) -> None:
    path = project()
    for name in (".env", "var/data.db", "local/hidden.md"):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text("secret\n")
    outcome = update(path)
    assert {name: (path / name).read_text() for name in (".env", "var/data.db", "local/hidden.md")} == dict.fromkeys(
        (".env", "var/data.db", "local/hidden.md"), "secret\n"
    )
    assert [(kept.path, "git ignores" in kept.reason) for kept in outcome.kept] == [("local/hidden.md", True)]
    assert "local/hidden.md" not in git(path, "ls-files").splitlines()


def test_a_comment_in_the_answers_file_cannot_be_kept_and_is_said(project, update) -> None:
    path = project()
    with (path / ".copier-answers.yml").open("a") as file:
        file.write("# my note\n")
    commit_all(path, "mine")
    assert update(path).lost == {".copier-answers.yml": ["# my note"]}


def test_answers_can_change_on_the_way(project, fresh, update) -> None:
    path = project()
    seen = update(path, data={"cloud": "gcp"}, preview=True)
    assert "infra/gcp/main.tf" in seen.added
    assert "infra/aws/main.tf" in seen.removed
    update(path, data={"cloud": "gcp"})
    assert content(path) == updated(fresh(), fresh("v3.0.0", cloud="gcp"))


def test_an_answer_alone_can_change(project, fresh, update) -> None:
    path = project("v3.0.0")
    assert update(path).nothing_to_do
    outcome = update(path, data={"cloud": "gcp"})
    assert content(path) == updated(path, fresh("v3.0.0", cloud="gcp"))
    assert outcome.branch == "shipfolio-update-v3.0.0"


def test_a_version_between_can_be_named(project, fresh, update) -> None:
    path = project()
    update(path, to="1.1.0")
    assert content(path) == updated(fresh(), fresh("v1.1.0"))


def test_a_second_update_takes_the_next_free_branch(project, update) -> None:
    path = project()
    update(path)
    git(path, "checkout", "--quiet", "main")
    assert update(path).branch == "shipfolio-update-v3.0.0-2"


def test_a_preview_changes_nothing_and_lists_what_the_update_then_does(project, update) -> None:
    path = project()
    edit(path / "app/main.py", "main 5\n", "main 5, mine\n")
    edit(path / "app/old_name.py", "named 3\n", "named 3, mine\n")
    commit_all(path, "mine")
    (path / ".env").write_text("secret\n")
    git(path, "status")
    before = everything(path)
    seen = update(path, preview=True)
    assert everything(path) == before
    done = update(path)
    for name in ("added", "changed", "merged", "removed", "conflicts", "kept", "lost", "new_answers", "steps"):
        assert getattr(seen, name) == getattr(done, name), name


def test_a_preview_does_not_even_freshen_the_index(project, update) -> None:
    path = project()
    (path / "app/main.py").touch()
    before = everything(path)
    update(path, preview=True)
    assert everything(path) == before


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


def test_the_command_says_what_it_did_and_what_is_left(command, project) -> None:
    path = project()
    edit(path / "app/main.py", "main 5\n", "main 5, mine\n")
    edit(path / "app/old_name.py", "named 3\n", "named 3, mine\n")
    commit_all(path, "mine")
    outcome = command("update", path)
    assert outcome.code == 3, outcome.err
    assert f"Updated {path} (small) from v1.0.0 to v3.0.0\n" in outcome.out
    assert "    app/main.py:5\n" in outcome.out
    assert "app/old_name.py: the template moved this file to app/new_name.py" in outcome.out
    assert "    3.0.0: Rename the table\n" in outcome.out
    assert "Only on Azure" not in outcome.out
    assert f"`git -C {path} checkout --force main` brings everything back" in outcome.err


def test_the_commands_document_is_whole(command, project) -> None:
    path = project()
    outcome = command("update", path, "--preview", "--json", "--data", "cloud=gcp")
    document = json.loads(outcome.out)
    assert (outcome.code, document["preview"], document["needs_person"]) == (0, True, False)
    assert document["removed"] == ["app/dropped.py", "app/old_name.py", "infra/aws/main.tf"]
    assert [step["title"] for step in document["steps"]] == ["Rename the table", "Say hello"]
    assert git(path, "branch", "--show-current") == "main"


def test_errors_are_two_lines(command, project, tmp_path: Path) -> None:
    outcome = command("update", tmp_path)
    assert (outcome.code, outcome.out, len(outcome.err.splitlines())) == (2, "", 2)
    assert "is no generated project" in outcome.err
