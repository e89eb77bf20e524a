"""`shipfolio update --data`, `--to` and `--preview`: other answers, another version, and a look ahead."""

from __future__ import annotations

from tests.conftest import commit_all, git
from tests.update.conftest import content, edit, everything, updated


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
