"""Helps with words that are nearly right."""

from __future__ import annotations

import difflib

from shipfolio.errors import UsageError


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint at the known word that is closest, or nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def one_of(word: str, known: list[str], where: str) -> str:
    """The word, where it is known. Raises UsageError."""
    if word not in known:
        raise UsageError(
            f"{where} {word!r}: there is no such name{did_you_mean(word, known)}", f"choose one of {', '.join(known)}"
        )
    return word
