"""What `shipfolio update` prints: for people, as JSON, and when it fails."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import commit_all, git
from tests.update.conftest import edit


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
