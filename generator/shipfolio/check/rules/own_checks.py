"""The repository's own checks. These rules run its code, so they exist only with `--run`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule

SECONDS = 900


class RUN101(Rule):
    """Its own checks pass here and now."""

    family = "run"
    why = "Everything else is reading; this is whether it works."
    points = 10

    def check(self, repo: Repo) -> bool:
        """Run `make check` (or pytest), and mend what fails."""
        makefile = repo.joined("makefile")
        command = ["make", "check"] if "\ncheck:" in makefile else [sys.executable, "-m", "pytest", "-q"]
        code, last = _run(command, repo)
        self.evidence.append(f"`{' '.join(command)}` ended with {code}: {last}")
        return code == 0


def _run(command: list[str], repo: Repo) -> tuple[int, str]:
    """Exit code and last line of a command in the repository; stopped with its children after `SECONDS`."""
    process = subprocess.Popen(  # noqa: S603 - the caller asked for it with --run
        command,
        cwd=repo.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output = process.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return 124, f"no end after {SECONDS} seconds"
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return process.returncode, (lines or ["no output"])[-1][:200]
