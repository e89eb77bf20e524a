"""`make release`: what it refuses, and one release from a clone of this repository, down to the installed wheel."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shipfolio import release
from shipfolio.errors import ShipfolioError
from tests.conftest import ROOT, commit_all, copy_working_tree, git

CHANGELOG = "# Changelog\n\n## 9.0.0 (unreleased)\n\n- A change.\n\n## 0.1.0 (2026-11-21)\n\n- The spine.\n"


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree, committed on top of this repository's history, with a changelog entry for 9.0.0. Read only."""
    path = tmp_path_factory.mktemp("committed") / "checkout"
    git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(path))
    for name in git(path, "ls-files").splitlines():
        (path / name).unlink()
    copy_working_tree(path)
    (path / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    commit_all(path, "working tree")
    return path


@pytest.fixture
def checkout(committed: Path, tmp_path: Path) -> Path:
    """The same, to be written to."""
    git(tmp_path, "clone", "--quiet", "--shared", str(committed), "checkout")
    return tmp_path / "checkout"


def test_the_entry_gets_its_date_and_the_project_its_version(checkout: Path) -> None:
    release.prepare(checkout, "9.0.0")
    assert re.search(r"^## 9\.0\.0 \(\d{4}-\d\d-\d\d\)\n", (checkout / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert (checkout / "pyproject.toml").read_text("utf-8").count('\nversion = "9.0.0"\n') == 1


def unwritten(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text(CHANGELOG.replace("- A change.\n", ""), "utf-8")
    commit_all(checkout, "no entry")


def stale(checkout: Path) -> None:
    (checkout / "docs/options.md").write_text("old\n")
    commit_all(checkout, "stale")


def unfinished(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("mine\n")


@pytest.mark.parametrize(
    ("version", "spoil", "message"),
    [
        ("9", lambda _checkout: None, "'9' is no version"),
        ("0.1.0", lambda _checkout: None, "0.1.0 does not come after v0."),
        ("8.0.0", lambda _checkout: None, "CHANGELOG.md has no entry for 8.0.0"),
        ("9.0.0", unwritten, "CHANGELOG.md has no entry for 9.0.0"),
        ("9.0.0", stale, "generated files are out of date: options.md"),
        ("9.0.0", unfinished, "changes that are not committed"),
    ],
)
def test_what_is_not_ready_is_not_released(checkout: Path, version: str, spoil, message: str) -> None:
    spoil(checkout)
    before = git(checkout, "for-each-ref"), git(checkout, "status", "--porcelain")
    with pytest.raises(ShipfolioError, match=re.escape(message)) as refused:
        release.release(checkout, version, lambda _line: None)
    assert refused.value.remedy
    assert (git(checkout, "for-each-ref"), git(checkout, "status", "--porcelain")) == before


@pytest.mark.slow
def test_a_release_is_a_commit_a_tag_and_a_wheel_that_updates_every_version(checkout: Path) -> None:
    said: list[str] = []
    wheel = release.release(checkout, "9.0.0", said.append)
    assert wheel == checkout / "dist/shipfolio-9.0.0-py3-none-any.whl"
    assert {f"update {template} from v0.1.0" for template in release.TEMPLATES} <= set(said)
    assert git(checkout, "log", "-1", "--format=%s") == "Release 9.0.0"
    assert git(checkout, "rev-parse", "v9.0.0") == git(checkout, "rev-parse", "HEAD")
    assert git(checkout, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_wheel_that_does_not_update_is_not_released(checkout: Path) -> None:
    (checkout / "generator/shipfolio/update.py").write_text("def update_project(): ...\n")
    commit_all(checkout, "broken")
    before = git(checkout, "for-each-ref")
    with pytest.raises(ShipfolioError, match="failed"):
        release.release(checkout, "9.0.0", lambda _line: None)
    assert git(checkout, "for-each-ref") == before


def test_the_make_target_is_this_module(checkout: Path) -> None:
    command = [sys.executable, "-m", "shipfolio.release", "nine"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: 'nine' is no version\n  fix: name it like 1.2.3\n"
    assert 'python -m shipfolio.release "$(VERSION)"' in (checkout / "Makefile").read_text("utf-8")
