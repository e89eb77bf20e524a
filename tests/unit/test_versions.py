"""Which commit the build hook names for which version."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.conftest import ROOT, commit_all, git


@pytest.fixture(scope="session")
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


def commit(repository: Path, message: str, version: str | None = None, template: str | None = None) -> str:
    if version:
        (repository / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    if template:
        (repository / "templates").mkdir(exist_ok=True)
        (repository / "templates/file").write_text(template)
    (repository / "log").write_text(message)
    commit_all(repository, message)
    return git(repository, "rev-parse", "HEAD")


def names(hook, repository: Path) -> dict[str, str]:
    hook.name_versions(repository)
    tags = git(repository, "tag", "--list").splitlines()
    return {tag: git(repository, "rev-parse", f"{tag}^{{commit}}") for tag in tags}


def test_an_older_version_is_the_commit_that_set_it(hook, repository: Path) -> None:
    first = commit(repository, "release 1", "0.1.0", "a")
    commit(repository, "work", template="b")
    second = commit(repository, "release 2", "0.2.0")
    assert names(hook, repository) == {"v0.1.0": first, "v0.2.0": second}


def test_the_current_version_stays_where_it_was_set_while_the_templates_do(hook, repository: Path) -> None:
    first = commit(repository, "release", "0.1.0", "a")
    commit(repository, "docs only")
    assert names(hook, repository) == {"v0.1.0": first}


def test_the_current_version_is_head_once_the_templates_moved_on(hook, repository: Path, capsys) -> None:
    commit(repository, "release", "0.1.0", "a")
    head = commit(repository, "work", template="b")
    assert names(hook, repository) == {"v0.1.0": head}
    assert "names HEAD as v0.1.0" in capsys.readouterr().err


def test_a_tag_wins(hook, repository: Path) -> None:
    tagged = commit(repository, "release", "0.1.0", "a")
    git(repository, "tag", "v0.1.0")
    commit(repository, "work", template="b")
    assert names(hook, repository) == {"v0.1.0": tagged}


def test_a_development_version_is_head_and_older_ones_are_not_named(hook, repository: Path) -> None:
    first = commit(repository, "release", "0.1.0", "a")
    commit(repository, "open", "0.2.0.dev0")
    commit(repository, "work", "0.2.0.dev1")
    head = commit(repository, "docs")
    assert names(hook, repository) == {"v0.1.0": first, "v0.2.0.dev1": head}


def test_a_version_set_twice_is_the_later_commit(hook, repository: Path) -> None:
    commit(repository, "release", "0.1.0", "a")
    commit(repository, "revert", "0.0.9")
    again = commit(repository, "again", "0.1.0")
    assert names(hook, repository)["v0.1.0"] == again


def test_a_head_without_version_is_refused(hook, repository: Path) -> None:
    commit(repository, "nothing")
    with pytest.raises(RuntimeError, match="names no version"):
        hook.name_versions(repository)
