"""The first state of a generated project: its lock file and its first commit."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from shipfolio import git

LOCK_SECONDS = 120
COMMIT_MESSAGE = "Start from shipfolio {template} {version}"


def lock(project: Path) -> str:
    """Write uv.lock. Returns a note where that was not possible; the project works without it."""
    uv = shutil.which("uv")
    if uv is None:
        return "no uv.lock yet: uv is not on PATH (`make setup` installs it and writes the file; commit it)"
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")}
    environment.setdefault("UV_HTTP_RETRIES", "1")
    try:
        done = subprocess.run(  # noqa: S603 - fixed program and arguments
            [uv, "lock", "--quiet", "--no-progress"],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOCK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _unlocked(project, f"uv gave no answer in {LOCK_SECONDS} seconds")
    return _unlocked(project, _last_line(done.stderr)) if done.returncode else ""


def initialise(project: Path) -> None:
    """Make the project a git repository with everything staged."""
    git.run("init", "--quiet", "--initial-branch=main", cwd=project)
    git.run("add", "--all", cwd=project)


def has_author(project: Path) -> bool:
    """Whether the user told git who they are; git's guess from the host name does not count."""
    try:
        git.run("-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT", cwd=project)
    except git.GitFailed:
        return False
    return True


def commit(project: Path, template: str, version: str) -> str:
    """Make the first commit and return its id. Raises GitFailed where a hook or signing stops it."""
    message = COMMIT_MESSAGE.format(template=template, version=version)
    git.run("commit", "--quiet", "--message", message, cwd=project)
    return git.text("rev-parse", "HEAD", cwd=project)


def _unlocked(project: Path, reason: str) -> str:
    (project / "uv.lock").unlink(missing_ok=True)
    return f"no uv.lock yet: {reason}; run `uv lock` in the project once a package registry answers, and commit it"


def _last_line(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return (lines or ["uv lock failed"])[-1].lstrip("╰─▶└ ")[:200]
