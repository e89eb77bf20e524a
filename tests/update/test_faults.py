"""An update that is killed, refused by the disk or met by another one: nothing is lost, and one command recovers."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipfolio import checkout, git, journal
from shipfolio.errors import ShipfolioError
from tests.conftest import commit_all
from tests.conftest import git as git_text
from tests.update.conftest import content

SECRET = "KEY=secret\n"


@pytest.fixture
def edited(project) -> Path:
    """A project with edits that merge, conflict, and lie in files that the template drops, and with an ignored file."""
    path = project()
    for name, old in (("app/main.py", "main 5\n"), ("app/old_name.py", "named 3\n"), ("README.md", "readme 9\n")):
        text = (path / name).read_text()
        (path / name).write_text(text.replace(old, old.strip() + ", mine\n"))
    commit_all(path, "mine")
    (path / ".env").write_text(SECRET)
    return path


def recover(path: Path) -> None:
    """The one command that every killed update printed before it touched anything."""
    subprocess.run(journal.undo(path, "main"), shell=True, check=True, capture_output=True)


def assert_as_before(path: Path, before: dict[str, bytes]) -> None:
    assert content(path) == before
    assert git_text(path, "status", "--porcelain") == ""
    assert git_text(path, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git_text(path, "fsck", "--no-dangling") == ""


def in_child(work: Callable[[int], object]) -> tuple[int, int]:
    """Run `work(pipe)` in a forked process that leads a group of its own; returns its id and our end of the pipe."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            work(theirs)
            os.write(theirs, b"e")
        finally:
            os._exit(0)
    os.close(theirs)
    return child, ours


def kill_at(update, path: Path, wait: Callable[[int], None]) -> str:
    """Start an update, wait, kill it with every git process it started; returns how far it says it came."""

    def work(pipe: int) -> None:
        update(path, announce=lambda _command: os.write(pipe, b"a"))

    child, pipe = in_child(work)
    wait(pipe)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.set_blocking(pipe, False)
    with os.fdopen(pipe, "rb") as rest:
        return (rest.read() or b"").decode()


def after_announcement(seconds: float) -> Callable[[int], None]:
    def wait(pipe: int) -> None:
        os.read(pipe, 1)
        time.sleep(seconds)

    return wait


def undisturbed(update, path: Path) -> tuple[float, float]:
    """How long an update takes in a child, before and after it begins to touch the repository."""
    start = time.perf_counter()
    child, pipe = in_child(lambda pipe: update(path, announce=lambda _command: os.write(pipe, b"a")))
    assert os.read(pipe, 1) == b"a"
    announced = time.perf_counter()
    assert os.read(pipe, 1) == b"e"
    os.waitpid(child, 0)
    os.close(pipe)
    return announced - start, time.perf_counter() - announced


def kill_and_check(update, edited: Path, copy: Path, wait: Callable[[int], None], before: dict[str, bytes]) -> str:
    shutil.copytree(edited, copy, symlinks=True)
    state = kill_at(update, copy, wait)
    recover(copy)
    assert_as_before(copy, before)
    outcome = update(copy)
    assert outcome.conflicts
    assert (copy / ".env").read_text() == SECRET
    return state


def durations(update, edited: Path, tmp_path: Path) -> tuple[float, float]:
    shutil.copytree(edited, tmp_path / "timed/demo", symlinks=True)
    return undisturbed(update, tmp_path / "timed/demo")


def test_a_killed_update_is_recovered_by_the_printed_command(edited: Path, update, tmp_path: Path) -> None:
    _, landing = durations(update, edited, tmp_path)
    before = content(edited)
    for number in range(3):
        wait = after_announcement(landing * number / 4)
        kill_and_check(update, edited, tmp_path / f"{number}/demo", wait, before)


@pytest.mark.slow
def test_killed_at_fifty_random_moments_nothing_is_lost(edited: Path, update, tmp_path: Path) -> None:
    preparing, landing = durations(update, edited, tmp_path)
    before = content(edited)
    chance = random.Random(8)
    for number in range(50):
        if number % 2:
            wait = after_announcement(chance.uniform(0, landing))
        else:
            moment = chance.uniform(0, preparing)
            wait = lambda _pipe, moment=moment: time.sleep(moment)  # noqa: E731
        kill_and_check(update, edited, tmp_path / f"{number}/demo", wait, before)
        shutil.rmtree(tmp_path / f"{number}")


def landing_calls(monkeypatch: pytest.MonkeyPatch, fail_at: int, error: BaseException) -> list[str]:
    """Count the git commands of the landing and make one of them fail."""
    calls: list[str] = []
    real = git.run

    def run(*arguments: str, **options) -> bytes:
        landing = options.get("env") != git.ISOLATED and arguments[0] in LANDING
        calls.extend([arguments[0]] if landing else [])
        if landing and len(calls) == fail_at:
            raise error
        return real(*arguments, **options)

    monkeypatch.setattr(git, "run", run)
    return calls


LANDING = ("unpack-objects", "commit-tree", "update-ref", "read-tree", "checkout-index", "update-index", "diff-files")


def test_whatever_fails_while_the_files_are_written_is_undone(edited: Path, update, monkeypatch) -> None:
    before = content(edited)
    number = 0
    while True:
        number += 1
        error = ShipfolioError("No space left") if number % 2 else KeyboardInterrupt()
        with monkeypatch.context() as patched:
            calls = landing_calls(patched, number, error)
            try:
                update(edited)
            except (ShipfolioError, KeyboardInterrupt):
                assert_as_before(edited, before)
                assert git_text(edited, "branch", "--format=%(refname:short)") == "main"
                assert journal.read(edited / ".git") is None
            else:
                break
    assert number == len(calls) + 1 == 9, calls


def test_where_even_undoing_fails_the_error_names_the_command(edited: Path, update, monkeypatch) -> None:
    before = content(edited)
    real = git.run

    def run(*arguments: str, **options) -> bytes:
        if arguments[0] == "checkout-index" or "checkout" in arguments:
            raise git.GitFailed("No space left on device")
        return real(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(git, "run", run)
        with pytest.raises(ShipfolioError, match="stopped half-way: No space left on device") as stopped:
            update(edited)
    assert stopped.value.remedy == f"undo it with `{journal.undo(edited, 'main')}`"
    with pytest.raises(ShipfolioError, match="an earlier update was stopped half-way") as refused:
        update(edited)
    assert journal.undo(edited, "main") in refused.value.remedy
    recover(edited)
    assert_as_before(edited, before)
    assert update(edited).conflicts


def test_status_names_the_command_too(command, project, update, monkeypatch) -> None:
    path = project()
    journal.write(path / ".git", journal.Journal("main", "0" * 40, "shipfolio-update-v3.0.0"))
    assert f"undo it with `{journal.undo(path, 'main')}`" in command("status", path).err


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("needs root to mount a small disk")
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True
    ).returncode:
        pytest.skip("cannot mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def failure(update, path: Path) -> str:
    """What an update says that fails; empty for one that does not."""
    try:
        update(path)
    except ShipfolioError as error:
        return error.message
    return ""


def test_a_full_disk_changes_nothing(edited: Path, update, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "1m") as small:
        shutil.copytree(edited, small / "demo", symlinks=True)
        filler = small / "demo/var/filler"
        filler.parent.mkdir()
        failures = 0
        for free in range(0, 96, 8):
            room = os.statvfs(small)
            filler.write_bytes(b"x" * max(0, room.f_bavail * room.f_frsize - free * 1024))
            before = content(small / "demo")
            message = failure(update, small / "demo")
            if not message:
                break
            failures += 1
            assert "space" in message or "full" in message, message
            filler.write_bytes(b"")
            before["var/filler"] = b""
            if "stopped half-way" in message:
                recover(small / "demo")
            assert_as_before(small / "demo", before)
        assert failures >= 3


def test_a_read_only_folder_changes_nothing(edited: Path, update) -> None:
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("needs root to mount a folder read-only")
    before = content(edited)
    app = str(edited / "app")
    if subprocess.run(["mount", "--bind", app, app], capture_output=True).returncode:
        pytest.skip("cannot mount a folder onto itself")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", app], check=True)
        with pytest.raises(ShipfolioError):
            update(edited)
        assert_as_before(edited, before)
    finally:
        subprocess.run(["umount", app], check=True)
    assert update(edited).conflicts


def test_read_only_files_are_no_obstacle(edited: Path, update) -> None:
    for name in ("app/main.py", "data/blob.bin", "app/dropped.py"):
        (edited / name).chmod(0o444)
    assert update(edited).conflicts


def test_a_second_update_at_the_same_time_is_refused(edited: Path, update, monkeypatch) -> None:
    def wait(pipe: int) -> None:
        def announce(_command: str) -> None:
            os.write(pipe, b"a")
            time.sleep(60)

        update(edited, announce=announce)

    child, pipe = in_child(wait)
    try:
        assert os.read(pipe, 1) == b"a"
        with pytest.raises(ShipfolioError, match="another `shipfolio update` is at work"):
            update(edited)
        assert update(edited, preview=True).conflicts
    finally:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(pipe)
    assert update(edited).conflicts, "the lock of a dead process is gone"


def test_a_change_during_the_merge_is_not_overwritten(edited: Path, update, monkeypatch) -> None:
    real = checkout._transfer

    def transfer(*arguments) -> None:
        (edited / "app/main.py").write_text("written meanwhile\n")
        real(*arguments)

    monkeypatch.setattr(checkout, "_transfer", transfer)
    with pytest.raises(ShipfolioError, match="changed meanwhile"):
        update(edited)
    assert (edited / "app/main.py").read_text() == "written meanwhile\n"
    assert git_text(edited, "symbolic-ref", "HEAD") == "refs/heads/main"
