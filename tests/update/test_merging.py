"""What `shipfolio update` merges, keeps and lists, on the small template."""

from __future__ import annotations

import subprocess

from tests.conftest import commit_all, git
from tests.update.conftest import content, edit, updated
from tests.update.small import numbered


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
