"""Asks a person for the answers that are missing. Everything goes to stderr; stdout stays the result."""

from __future__ import annotations

from collections.abc import Callable

import typer

from shipfolio.console import Console
from shipfolio.questions import Question


def asker(console: Console) -> Callable[[Question, str, Callable[[str], str]], str]:
    """A function that asks one question until the answer is legal; Enter takes the default."""

    def ask(question: Question, default: str, problem: Callable[[str], str]) -> str:
        _introduce(console, question)
        while True:
            value = _picked(
                question, typer.prompt(question.name, default=default, show_default=bool(default), err=True)
            )
            trouble = problem(value) if value is not None else f"choose one of 1 to {len(question.values)}"
            if value is not None and not trouble:
                return value
            console.error(trouble)

    return ask


def _introduce(console: Console, question: Question) -> None:
    console.talk()
    console.talk(question.help, "bold")
    for number, (label, value) in enumerate(question.choices.items(), start=1):
        console.talk(f"  {number}  {value:<14} {label}")


def _picked(question: Question, text: str) -> str | None:
    """The value that a typed number or value stands for; None where it stands for none."""
    if not question.values or text in question.values:
        return text
    if text.isdigit() and 1 <= int(text) <= len(question.values):
        return question.values[int(text) - 1]
    return None
