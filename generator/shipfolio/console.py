"""What the commands say: results on stdout, talk on stderr, plain text where nobody watches a terminal."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(frozen=True)
class Console:
    """One command's voice. `quiet` drops the talk, never errors; `as_json` keeps stdout for one document."""

    quiet: bool = False
    as_json: bool = False

    def talk(self, text: str = "", style: str = "") -> None:
        """Say something to the person (stderr)."""
        if not self.quiet:
            _write(sys.stderr, text, style)

    def note(self, text: str) -> None:
        """Say something the person should act on or know (stderr)."""
        self.talk(f"note: {text}", "yellow")

    def error(self, message: str, remedy: str = "") -> None:
        """Say what went wrong and how to mend it (stderr, also when quiet)."""
        _write(sys.stderr, f"error: {message}", "bold red")
        if remedy:
            _write(sys.stderr, f"  fix: {remedy}")

    def result(self, text: str, style: str = "") -> None:
        """Print a line of the result (stdout); nothing where the result is a JSON document."""
        if not self.as_json and not self.quiet:
            _write(sys.stdout, text, style)

    def document(self, value: Any) -> None:
        """Print the JSON document that is the result (stdout)."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: a terminal on both ends of the talk."""
        return sys.stdin.isatty() and sys.stderr.isatty()


def _write(stream: TextIO, text: str, style: str = "") -> None:
    """Write one line; text is data, never markup. Characters the terminal cannot show are escaped."""
    if stream.isatty():
        _write_styled(stream, text, style)
        return
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def _write_styled(stream: TextIO, text: str, style: str) -> None:
    from rich.console import Console as RichConsole
    from rich.text import Text

    RichConsole(file=stream, highlight=False).print(Text(text, style=style), soft_wrap=True)
