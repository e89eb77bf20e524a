"""Whatever lies in a repository, `check` reads it as data: bounded, inside its folder, and nothing of it runs."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from shipfolio.check.rubric import Rubric
from shipfolio.check.scoring import Score, score
from tests.conftest import commit_all, git
from tests.render.check.exemplary import FAKE_KEY, GOOD, write


def checked(folder: Path) -> Score:
    return score(folder, Rubric())


def evidence(folder: Path, name: str) -> str:
    return "; ".join(next(found for found in checked(folder).findings if found.id == name).evidence)


def test_an_empty_folder_earns_nothing(tmp_path: Path) -> None:
    result = checked(tmp_path)
    assert result.percent == 0
    assert result.notes == ["it is no git repository: nothing is known of its history"]


def test_a_repository_without_commits_earns_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert checked(tmp_path).percent == 0


def test_without_git_the_files_still_count(tmp_path: Path) -> None:
    write(tmp_path, GOOD, commit=False)
    assert checked(tmp_path).percent == 100
    assert checked(tmp_path).notes


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00bad", b"\xe9\xe8" * 50, b"\x00" * 10_000, b"&a [*a, *a]", b"[" * 50_000]
)
def test_any_bytes_are_survived_in_every_file(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, GOOD, commit=False)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        path.write_bytes(content)
    git(tmp_path, "init", "--quiet")
    commit_all(tmp_path, "bad")
    assert checked(tmp_path).percent < 30


def test_random_bytes_in_all_places_are_survived(tmp_path: Path) -> None:
    chance = random.Random(7)
    for name in [*GOOD, ".copier-answers.yml", ".git", "tests/test_x.py", "odd\nname.md", "ünï.yaml"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(chance.randbytes(3_000))
    assert 0 <= checked(tmp_path).percent < 100


def test_a_huge_file_is_read_in_part(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with (tmp_path / "evals/golden/huge.jsonl").open("wb") as file:
        file.truncate(3_000_000_000)
    start = time.perf_counter()
    assert checked(tmp_path).percent == 100
    assert time.perf_counter() - start < 3


def test_links_that_leave_the_repository_are_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, {"story.md": GOOD["docs/story.md"], "keys.py": FAKE_KEY}, commit=False)
    repo = write(tmp_path / "repo", {**GOOD, "docs/story.md": "short"}, commit=False)
    (repo / "docs/story.md").unlink()
    (repo / "docs/story.md").symlink_to(outside / "story.md")
    (repo / "linked").symlink_to(outside)
    (repo / "loop").symlink_to(repo)
    assert "no stories" in evidence(repo, "EVD104")
    git(repo, "init", "--quiet")
    commit_all(repo, "links")
    assert "no stories" in evidence(repo, "EVD104")
    assert "AKIA" not in evidence(repo, "SEC101")


def test_a_tracked_folder_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"story.md": GOOD["docs/story.md"]}, commit=False)
    repo = write(tmp_path / "repo", {"README.md": "x", "docs/story.md": "short"})
    (repo / "docs/story.md").unlink()
    (repo / "docs").rmdir()
    (repo / "docs").symlink_to(outside)
    assert "no stories" in evidence(repo, "EVD104")


def test_pipes_and_devices_do_not_block(tmp_path: Path) -> None:
    write(tmp_path, GOOD, commit=False)
    (tmp_path / "docs/story.md").unlink()
    os.mkfifo(tmp_path / "docs/story.md")
    assert "no stories" in evidence(tmp_path, "EVD104")


TRAPS = [
    "core.fsmonitor",
    "core.pager",
    "core.sshCommand",
    "core.editor",
    "diff.external",
    "gpg.program",
    "filter.x.clean",
]


def test_nothing_that_the_repository_configures_is_run(tmp_path: Path) -> None:
    """Every program that a foreign .git/config or hook can name would leave a file behind."""
    repo, witness = write(tmp_path / "repo", {**GOOD, ".gitattributes": "* filter=x diff=x\n"}), tmp_path / "ran"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {witness}\ncat\n", "utf-8")
    trap.chmod(0o755)
    for name in [*TRAPS, "filter.x.smudge", "filter.x.process", "diff.x.textconv", "diff.x.command", "core.hooksPath"]:
        git(repo, "config", name, str(trap.parent if name == "core.hooksPath" else trap))
    git(repo, "config", "log.showSignature", "true")
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        (repo / ".git/hooks" / hook).parent.mkdir(exist_ok=True)
        (repo / ".git/hooks" / hook).write_bytes(trap.read_bytes())
        (repo / ".git/hooks" / hook).chmod(0o755)
    (repo / "README.md").write_text(GOOD["README.md"] + "\nedited\n", "utf-8")
    witness.unlink(missing_ok=True)
    assert checked(repo).percent == 100
    assert not witness.exists()
    subprocess.run(["git", "status"], cwd=repo, capture_output=True, timeout=20)
    assert witness.exists(), "the trap works: an ordinary git springs it"


@pytest.mark.parametrize("kind", ["file", "link", "alternates", "head"])
def test_a_git_folder_that_leads_elsewhere_is_not_followed(tmp_path: Path, kind: str) -> None:
    other, repo = write(tmp_path / "other", GOOD), write(tmp_path / "repo", GOOD)
    if kind == "alternates":
        (repo / ".git/objects/info/alternates").write_text(f"{other}/.git/objects\n")
    elif kind == "head":
        (repo / ".git/HEAD").write_text("--output=/tmp/x\n")
    else:
        (repo / ".git").rename(tmp_path / "gone")
        if kind == "file":
            (repo / ".git").write_text(f"gitdir: {other}/.git\n")
        else:
            (repo / ".git").symlink_to(other / ".git")
    assert any("history is not read" in note for note in checked(repo).notes)


def test_a_repository_cannot_excuse_itself(tmp_path: Path) -> None:
    """repo-review reads what to ignore from pyproject.toml; the rubric does not."""
    excuse = '[tool.repo-review]\nignore = ["EVD", "SEC", "TST"]\n'
    result = checked(write(tmp_path, {"README.md": "x", "pyproject.toml": excuse}))
    assert len(result.findings) == len(checked(write(tmp_path / "b", {"README.md": "x"})).findings)


def test_a_forged_answers_file_buys_nothing(rendered, tmp_path: Path) -> None:
    """The template's text is known without it, and a version in it is no option for git."""
    results = (rendered("rag-platform") / "docs/results.md").read_text("utf-8") + "\n2026-11-20 `make eval`\n"
    for answers in ("_commit: --output=/tmp/x\n", "_commit: v99.9.9\n", "- no mapping\n", "_commit: [1]\n"):
        repo = write(tmp_path / str(len(answers)), {"docs/results.md": results, ".copier-answers.yml": answers})
        assert "no measured result" in evidence(repo, "EVD101")


def test_a_repository_is_checked_within_a_second(rendered, tmp_path: Path) -> None:
    """The processor's seconds, the children's included; bench/cohort.py measures properly."""
    repo = tmp_path / "repo"
    subprocess.run(["cp", "-r", str(rendered("rag-platform")), str(repo)], check=True)
    git(repo, "init", "--quiet")
    commit_all(repo, "first")
    checked(repo)
    before = sum(os.times()[:4])
    checked(repo)
    assert sum(os.times()[:4]) - before < 1


def test_odd_file_names_come_out_printable(tmp_path: Path, shipfolio) -> None:
    write(tmp_path, GOOD, commit=False)
    (tmp_path / "docs/adr/0001-store.md").rename(tmp_path / "docs/adr/0001-\x1b[31m\u202e.md")
    (tmp_path / "docs/adr/0002-model.md").rename(tmp_path / os.fsdecode(b"docs/adr/\xff\xfe.md"))
    git(tmp_path, "init", "--quiet")
    commit_all(tmp_path, "odd")
    for options in ((), ("--json",), ("--html", tmp_path / "page.html")):
        outcome = shipfolio("check", tmp_path, *options)
        assert outcome.code == 0
        assert not set(outcome.out) & {"\x1b", "\u202e"}
