"""`shipfolio new`: what it makes, what it says, what it refuses, and that it leaves nothing half-made."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from shipfolio import staging
from tests.conftest import VERSION, files_of, git

BARE = ("--yes", "--no-git", "--no-lock")


def test_it_makes_a_project_with_a_first_commit(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("new", "agent", tmp_path / "demo-agent", "--no-lock")
    assert outcome.code == 0, outcome.err
    assert (
        git(tmp_path / "demo-agent", "log", "--format=%an %s") == f"Test Person Start from shipfolio agent v{VERSION}"
    )
    assert git(tmp_path / "demo-agent", "status", "--porcelain") == ""
    assert git(tmp_path / "demo-agent", "branch", "--show-current") == "main"
    assert [path.name for path in tmp_path.iterdir()] == ["demo-agent"]


def test_its_closing_words_are_short_and_end_with_one_pointer(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("new", "agent", tmp_path / "demo-agent", *BARE)
    lines = outcome.out.splitlines()
    listed = lines[1 : lines.index("Next:")]
    assert lines[0] == f"Created {tmp_path / 'demo-agent'} from agent v{VERSION}"
    assert 3 <= len(listed) <= 12
    assert lines[lines.index("Next:") + 1 :] == [
        f"  cd {tmp_path / 'demo-agent'}",
        "  make demo",
        "  make check",
        "Then read README.md.",
    ]
    assert "\x1b" not in outcome.out + outcome.err


def test_json_is_one_document_with_everything(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("new", "ai-saas", tmp_path / "demo", "--product", "legal", "--json", "--no-lock")
    document = json.loads(outcome.out)
    assert document["path"] == str(tmp_path / "demo")
    assert document["template"] == "ai-saas"
    assert document["version"] == f"v{VERSION}"
    assert document["answers"]["product"] == "legal"
    assert document["files"] == files_of(tmp_path / "demo")
    assert document["commit"] == git(tmp_path / "demo", "rev-parse", "HEAD")
    assert document["notes"] == []
    assert document["next_steps"][1:] == ["make demo", "make check"]


def test_quiet_says_nothing(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("new", "agent", tmp_path / "demo", "--quiet", *BARE)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_a_dry_run_lists_tree_and_answers_and_writes_nothing(shipfolio, no_path: Path) -> None:
    outcome = shipfolio("new", "agent", no_path / "demo", "--dry-run", "--cloud", "gcp")
    assert outcome.code == 0
    assert "  app/about.json\n" in outcome.out
    assert "  cloud: 'gcp'\n" in outcome.out


def test_an_option_wins_over_data_and_data_over_the_file(shipfolio, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("cloud: gcp\ndeploy: kubernetes\nauthor: File\n")
    arguments = (
        "--answers",
        tmp_path / "a.yml",
        "--data",
        "cloud=azure",
        "--data",
        "author=Data",
        "--cloud",
        "aws",
    )
    outcome = shipfolio("new", "agent", tmp_path / "demo", "--dry-run", "--json", *arguments)
    answers = json.loads(outcome.out)["answers"]
    assert (answers["cloud"], answers["author"], answers["deploy"]) == ("aws", "Data", "kubernetes")


def test_the_project_is_called_like_its_folder(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("new", "agent", tmp_path / "Sales helper", "--dry-run", "--json")
    assert json.loads(outcome.out)["answers"]["project_name"] == "Sales helper"
    assert json.loads(outcome.out)["next_steps"] == []


def test_a_fork_is_recorded_as_the_source(shipfolio, tmp_path: Path) -> None:
    fork = "https://git.example.com/course/shipfolio.git"
    assert shipfolio("new", "agent", tmp_path / "demo", "--template-url", fork, *BARE).code == 0
    assert f"_src_path: {fork}\n" in (tmp_path / "demo/.copier-answers.yml").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message", "remedy"),
    [
        (("new", "rag"), "there is no template 'rag'", "choose one of rag-platform, agent, ai-saas"),
        (("new", "agnet"), "(did you mean 'agent'?)", "choose one of"),
        (
            ("new", "agent", "--data", "clodu=aws"),
            "unknown answer 'clodu' (did you mean 'cloud'?)",
            "shipfolio schema",
        ),
        (("new", "agent", "--data", "cloud"), "--data 'cloud' is not question=answer", "--data cloud=aws"),
        (
            ("new", "agent", "--data", "cloud=oracle"),
            "cloud 'oracle' is none of aws, azure, gcp",
            "shipfolio schema",
        ),
        (
            ("new", "agent", "--provider", "vertex"),
            "Vertex AI runs on Google Cloud only",
            "choose cloud gcp, or google",
        ),
        (
            ("new", "agent", "--product", "legal"),
            "'product' is no question of template 'agent'",
            "leave it out",
        ),
        (("new", "agent", "--project-name", "日本"), "no letter from a to z", "add one"),
        (("new", "agent", "--project-name", "fastapi"), '"fastapi" is reserved', "add a word"),
        (
            ("new", "agent", "--data", "template=ai-saas"),
            "the answers are for template 'ai-saas'",
            "same template",
        ),
        (("new", "agent", "--answers", "/nowhere/a.yml"), "cannot read the answers file", "check --answers"),
    ],
)
def test_bad_input_is_one_line_with_a_remedy(shipfolio, no_path: Path, arguments, message: str, remedy: str) -> None:
    outcome = shipfolio(*arguments[:2], no_path / "demo", *arguments[2:])
    assert outcome.code == 2
    assert outcome.out == ""
    assert message in outcome.err
    assert remedy in outcome.err
    assert len(outcome.err.splitlines()) <= 2
    assert "Traceback" not in outcome.err


def test_a_wrong_choice_of_an_option_is_a_usage_error(shipfolio, no_path: Path) -> None:
    outcome = shipfolio("new", "agent", no_path / "demo", "--cloud", "oracle")
    assert outcome.code == 2
    assert "'aws', 'azure', 'gcp'" in outcome.err


def test_a_folder_that_is_not_empty_is_left_alone(shipfolio, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    outcome = shipfolio("new", "agent", tmp_path, *BARE)
    assert outcome.code == 2
    assert "is not empty" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(shipfolio, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    assert shipfolio("new", "agent", tmp_path / "demo", *BARE).code == 0
    assert (tmp_path / "demo/.copier-answers.yml").is_file()


def test_a_file_in_the_way_is_left_alone(shipfolio, tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    outcome = shipfolio("new", "agent", tmp_path / "demo", *BARE)
    assert (outcome.code, (tmp_path / "demo").read_text()) == (2, "mine")
    outcome = shipfolio("new", "agent", tmp_path / "demo" / "inside", *BARE)
    assert outcome.code == 2
    assert "fix: choose another path" in outcome.err


def test_the_current_folder_is_refused_with_the_way_out(shipfolio, no_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(no_path)
    outcome = shipfolio("new", "agent", ".", *BARE)
    assert outcome.code == 2
    assert "name a new folder, for example `my-project`" in outcome.err


@pytest.mark.parametrize("target", ["somewhere", "missing"])
def test_a_destination_that_is_a_symbolic_link_is_refused(shipfolio, tmp_path: Path, target: str) -> None:
    (tmp_path / "somewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / target)
    outcome = shipfolio("new", "agent", tmp_path / "link", *BARE)
    assert outcome.code == 2
    assert "is a symbolic link" in outcome.err
    assert not list((tmp_path / "somewhere").iterdir())


def test_a_symbolic_link_above_the_destination_is_followed(shipfolio, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert shipfolio("new", "agent", tmp_path / "link" / "demo", *BARE).code == 0
    assert (tmp_path / "real/demo/.copier-answers.yml").is_file()


def test_missing_parents_are_made_and_unmade(shipfolio, no_path: Path, monkeypatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shipfolio.engine._render_fast", full)
    outcome = shipfolio("new", "agent", no_path / "a/b/demo", *BARE)
    assert outcome.code == 1
    assert outcome.err.startswith("error: the disk is full")


def test_a_long_path_is_refused(shipfolio, no_path: Path) -> None:
    outcome = shipfolio("new", "agent", no_path / ("x" * 300), "--project-name", "demo", *BARE)
    assert outcome.code == 2
    assert "file name too long" in outcome.err


def test_an_unwritable_folder_is_refused(shipfolio, no_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**_options: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(no_path))

    monkeypatch.setattr(staging, "tempfile", SimpleNamespace(mkdtemp=denied))  # permissions do not bind root
    outcome = shipfolio("new", "agent", no_path / "demo", *BARE)
    assert outcome.code == 2
    assert f"no permission to write at {str(no_path)!r}" in outcome.err


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs root to mount a small disk")
def test_a_full_disk_leaves_nothing(run, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a tmpfs")
    try:
        outcome = run("new", "rag-platform", disk / "demo", "--no-lock")
        assert outcome.code == 1, outcome
        assert "the disk is full" in outcome.err
        assert "Traceback" not in outcome.err
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_git_missing_is_said_with_the_remedy(shipfolio, no_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = shipfolio("new", "agent", no_path / "demo")
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        "error: git is not installed or not on PATH",
        "  fix: install git (https://git-scm.com) and try again",
    ]


def test_without_git_identity_the_project_stands_and_the_note_says_how(
    shipfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as nobody:
        nobody.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        nobody.setenv("EMAIL", "somebody@example.com")
        outcome = shipfolio("new", "agent", tmp_path / "demo", "--no-lock")
    assert outcome.code == 0, outcome.err
    assert "note: no first commit, git knows no author: run `git config --global user.name" in outcome.err
    staged = git(tmp_path / "demo", "diff", "--cached", "--name-only").splitlines()
    assert ".copier-answers.yml" in staged
    git(tmp_path / "demo", "commit", "-m", "First commit")


def test_a_commit_that_a_hook_refuses_is_a_note(shipfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = tmp_path / "template/hooks/pre-commit"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\necho error: not today >&2\nexit 1\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "template"))
    outcome = shipfolio("new", "agent", tmp_path / "demo", "--no-lock")
    assert outcome.code == 0
    assert "no first commit: git commit failed: error: not today" in outcome.err


def test_a_calling_git_does_not_mislead_ours(shipfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet", "other")
    with monkeypatch.context() as calling:
        calling.setenv("GIT_DIR", str(tmp_path / "other/.git"))
        outcome = shipfolio("new", "agent", tmp_path / "demo", "--no-lock")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "demo/.git").is_dir()
    assert "No commits yet" in git(tmp_path / "other", "status")


def wait_for_staging(child: subprocess.Popen, folder: Path) -> None:
    """Wait until files are being written into the staging folder."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and child.poll() is None:
        if any(folder.glob(f"{staging.PREFIX}*/*/*")):
            return
        time.sleep(0.002)
    pytest.fail(f"no staging seen: {child.communicate()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(process, no_path: Path, number: signal.Signals) -> None:
    child = process("new", "rag-platform", no_path / "demo", "--no-lock")
    wait_for_staging(child, no_path)
    child.send_signal(number)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert err == "error: interrupted; nothing was left behind\n"


def test_a_kill_leaves_nothing_at_the_path_and_a_later_run_cleans_up(process, run, tmp_path: Path) -> None:
    child = process("new", "rag-platform", tmp_path / "demo", "--no-lock")
    wait_for_staging(child, tmp_path)
    child.kill()
    child.communicate(timeout=20)
    assert not (tmp_path / "demo").exists()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(staging.PREFIX)
    assert run("new", "agent", tmp_path / "one", "--no-git", "--no-lock").code == 0
    assert left.exists(), "it may belong to a run that is still going"
    os.utime(left, (time.time() - 7 * 3600,) * 2)
    assert run("new", "agent", tmp_path / "two", "--no-git", "--no-lock").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def build_while_it_appears(destination: Path) -> None:
    """Stage a project while somebody else fills its destination."""
    with staging.staged(destination) as folder:
        folder.mkdir()
        destination.mkdir()
        (destination / "mine").write_text("mine")


def test_a_destination_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(staging.UsageError, match="appeared meanwhile"):
        build_while_it_appears(tmp_path / "demo")
    assert [path.name for path in tmp_path.rglob("*")] == ["demo", "mine"]


def test_debug_shows_the_traceback(shipfolio, no_path: Path) -> None:
    outcome = shipfolio("new", "nonsense", no_path / "demo", "--debug")
    assert outcome.code == 2
    assert "Traceback" in outcome.err


@pytest.fixture
def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`fake_uv(script)`: a `uv` first on PATH that runs a shell script."""

    def install(script: str) -> None:
        program = tmp_path / "tools/uv"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}{os.pathsep}{os.environ['PATH']}")
    return install


def test_a_lock_is_part_of_the_first_commit(shipfolio, fake_uv, tmp_path: Path) -> None:
    fake_uv("echo locked > uv.lock")
    outcome = shipfolio("new", "agent", tmp_path / "demo")
    assert "uv.lock" in git(tmp_path / "demo", "ls-files").splitlines()
    assert "note" not in outcome.err


def test_a_lock_that_cannot_be_made_is_a_note(shipfolio, fake_uv, tmp_path: Path) -> None:
    fake_uv("echo half > uv.lock; echo 'error: no route to the registry' >&2; exit 2")
    outcome = shipfolio("new", "agent", tmp_path / "demo")
    assert outcome.code == 0
    assert "note: no uv.lock yet: error: no route to the registry; run `uv lock`" in outcome.err
    assert not (tmp_path / "demo/uv.lock").exists()
