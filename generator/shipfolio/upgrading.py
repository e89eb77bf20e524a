"""The steps of UPGRADING.md that a person has to take by hand, and which project each of them concerns.

An entry stands below the heading of its version (`## 0.2.0`) and reads

    ### What to do, as a title
    Applies to: cloud = aws, gcp; vector_store = qdrant

    Text, with exact commands in a fenced block.

`Applies to: every project` has no condition. The line is for people and for this module alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shipfolio.errors import ShipfolioError
from shipfolio.versions import is_newer, named, order

FILE = "UPGRADING.md"
MARK = "Applies to:"
EVERY = "every project"
VERSION = re.compile(r"^## (\S+).*$", re.MULTILINE)
TITLE = re.compile(r"^### (.+)$", re.MULTILINE)
COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d+\.\d+\.\d+")
QUESTION = re.compile(r"[a-z_]+")
VALUE = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class Step:
    """One entry. `conditions` are the answers that it is about, each with the values that it is about."""

    version: str
    title: str
    conditions: dict[str, list[str]]
    text: str

    @property
    def commands(self) -> list[str]:
        """The shell blocks of the entry, to be run in the project."""
        return COMMANDS.findall(self.text)

    def concerns(self, answers: Mapping[str, str]) -> bool:
        """Whether a project with these answers has to take this step."""
        return all(answers.get(question) in values for question, values in self.conditions.items())

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"version": self.version, "title": self.title, "text": self.text}


def steps(document: str) -> list[Step]:
    """Every entry of an UPGRADING.md, in its order. Raises ShipfolioError for an entry without a condition line."""
    found = []
    for version, body in _sections(VERSION, document):
        found += [_step(version, title, text) for title, text in _sections(TITLE, body)]
    return found


def applicable(document: str, answers: Mapping[str, str], current: str, target: str) -> list[Step]:
    """The steps between two versions (after `current`, up to `target`) that concern these answers, oldest first."""
    due = [
        step
        for step in steps(document)
        if is_newer(named(step.version), current)
        and not is_newer(named(step.version), target)
        and step.concerns(answers)
    ]
    return sorted(due, key=lambda step: order(named(step.version)) or (0,))


def _sections(heading: re.Pattern[str], text: str) -> list[tuple[str, str]]:
    matches = list(heading.finditer(text))
    ends = [*(match.start() for match in matches[1:]), len(text)]
    return [(match[1].strip(), text[match.end() : end].strip()) for match, end in zip(matches, ends, strict=False)]


def _step(version: str, title: str, body: str) -> Step:
    first, _, text = body.partition("\n")
    if not first.startswith(MARK):
        raise ShipfolioError(
            f"{FILE}: {title!r} does not begin with {MARK!r}", f"write `{MARK} {EVERY}` below its title"
        )
    step = Step(version, title, _conditions(first.removeprefix(MARK).strip()), text.strip())
    if problem := _problem(step):
        raise ShipfolioError(
            f"{FILE}: {title!r}: {problem}",
            f"write `{MARK} {EVERY}` or `{MARK} question = value, value`, and a text",
        )
    return step


def _conditions(text: str) -> dict[str, list[str]]:
    """The condition line as it was written, whether it makes sense or not."""
    if text == EVERY:
        return {}
    parts = (part.partition("=") for part in text.split(";"))
    return {question.strip(): [value.strip() for value in values.split(",")] for question, _, values in parts}


def _problem(step: Step) -> str:
    """What is wrong with an entry; empty for a good one."""
    if not NUMBER.fullmatch(step.version):
        return f"version {step.version!r}: no three numbers"
    for question, values in step.conditions.items():
        if not QUESTION.fullmatch(question):
            return f"conditions {question!r}: no name of a question"
        for value in values:
            if not VALUE.fullmatch(value):
                return f"conditions {value!r}: no value of {question}"
    return "" if step.text else "text '': nothing to do"
