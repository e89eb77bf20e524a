"""Runs git with an environment of our own, and says in one line what went wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from shipfolio.errors import ShipfolioError

# Variables that a calling git (a hook, an alias) sets and that would point our git at another repository.
REPOSITORY_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


class GitFailed(ShipfolioError):
    """A git command ended with an error."""


# Our work in temporary repositories must not depend on what a person set up for theirs (hooks, filters, ignored names).
ISOLATED = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": os.devnull}
# Reading a person's repository writes nothing into it, not even a fresher index.
READ_ONLY = {"GIT_OPTIONAL_LOCKS": "0"}


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The process environment without what ties git to another repository, plus `extra`."""
    clean = {key: value for key, value in os.environ.items() if key not in REPOSITORY_VARIABLES}
    return {**clean, "GIT_TERMINAL_PROMPT": "0", **(extra or {})}


def require() -> None:
    """Raise where git is missing."""
    if shutil.which("git") is None:
        raise ShipfolioError("git is not installed or not on PATH", "install git (https://git-scm.com) and try again")


def run(*arguments: str, cwd: Path, data: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
    """The standard output of one git command. Raises GitFailed with git's own last line."""
    require()
    done = subprocess.run(  # noqa: S603 - fixed program, arguments never reach a shell
        ["git", *arguments],  # noqa: S607
        cwd=cwd,
        env=environment(env),
        input=data,
        stdin=None if data is not None else subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise GitFailed(f"git {arguments[0]} failed: {_reason(done.stderr)}", _remedy(done.stderr))
    return done.stdout


def text(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """The standard output of one git command as stripped text."""
    return run(*arguments, cwd=cwd, env=env).decode("utf-8", "replace").strip()


def names(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> list[str]:
    """The standard output of one git command that was asked for names ending in NUL (`-z`)."""
    return [os.fsdecode(name) for name in run(*arguments, cwd=cwd, env=env).split(b"\0") if name]


def _reason(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["no message"])[0]


def _remedy(stderr: bytes) -> str:
    if b"dubious ownership" in stderr:
        return "own the checkout, or run git's suggested `git config --global --add safe.directory ...`"
    if b"No space left" in stderr:
        return "free some space and try again"
    return ""
