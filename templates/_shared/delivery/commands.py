"""Runs the tools that change the cloud: terraform, kubectl, a cloud's own."""

import subprocess
from pathlib import Path


class CommandFailed(Exception):
    """A tool ended with an error, or answered something that was not asked for."""


def run(*command: str | Path, stdin: str | None = None) -> str:
    """What the command printed.

    Raises:
        CommandFailed: it could not be started or ended with an error; the message has its last words.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise CommandFailed(f"{words[0]} cannot be run: {error.strerror}.") from None
    if done.returncode:
        raise CommandFailed(f"`{' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
