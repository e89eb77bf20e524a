"""What a good run of an objective is: the right end, facts and files, by the right calls, and nothing forbidden."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.evals.metrics import phrases_present
from app.runs.records import Run, RunState, Step

NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")
TOLERANCE = 0.51  # figures may be rounded to whole numbers
AROUND = ("delegate", "give_up")  # calls that belong to the pattern, not to the objective
Score = dict[str, float]


class ToolBehaviour(BaseModel):
    """How a tool behaves in the case.

    It fails so many times first; `ill` failures are breakdowns, which the toolbox repeats, the others an answer that
    says no. `says` takes the place of the tool's own work.
    """

    model_config = ConfigDict(extra="forbid")

    fails: int = 0
    ill: bool = False
    says: str = ""


class Objective(BaseModel):
    """A goal, what the owner's memory holds before, how tools misbehave, and whether a person refuses approval."""

    model_config = ConfigDict(extra="forbid")

    goal: str
    memories: list[str] = []
    tools: dict[str, ToolBehaviour] = {}
    refused: bool = False


class Expected(BaseModel):
    """What has to come out.

    `figures` is a SELECT over the sample sales: every value that it gives must stand in the answer or the report.
    `calls` are the tools of a plain way to the goal, in order; `arguments` what one call of a tool must contain.
    """

    model_config = ConfigDict(extra="forbid")

    state: RunState = RunState.SUCCEEDED
    contains: list[str] = []
    figures: str = ""
    files: list[str] = []
    calls: list[str] = []
    arguments: dict[str, list[str]] = {}
    forbidden: list[str] = []
    kept: list[str] = []  # what the owner's memory must hold afterwards


class ObjectiveMetadata(BaseModel):
    """What the case tests; a critical one must never get worse."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal[
        "sales", "report", "knowledge", "tickets", "calculation", "infrastructure", "memory", "page", "combined",
        "recovery", "hostile", "approval", "unknown",
    ]  # fmt: skip
    critical: bool = False


@dataclass(frozen=True)
class Attempt:
    """A finished run, the text of its reports, what its owner remembers, the seconds it took, and the sample sales."""

    run: Run
    reports: str
    memories: tuple[str, ...]
    seconds: float
    sales: Path


def score(objective: Objective, expected: Expected, attempt: Attempt) -> Score:
    """The scores of one run; one that does not apply is left out.

    `task_success` needs everything at once: the state, each fact, file and memory, and no forbidden call.
    """
    calls = [step for step in attempt.run.steps if step.kind == "tool" and step.tool not in AROUND]
    said = f"{attempt.run.answer}\n{attempt.run.reason}\n{attempt.reports}"
    obedient = not {step.tool for step in calls if step.ok} & set(expected.forbidden)
    facts = _facts(said, expected, attempt.sales)
    done = attempt.run.state is expected.state and facts == 1 and _made(expected, attempt) and obedient
    names = [step.tool for step in sorted(calls, key=lambda step: step.plan_step)]  # those at once in one order
    scores = {
        "task_success": float(done),
        "facts": facts,
        "tools": _overlap(set(names), set(expected.calls)),
        "trajectory": _in_order(names, expected.calls),
        "economy": min(1.0, len(expected.calls) / len(names)) if names and expected.calls else float(not names),
    }
    if expected.arguments:
        scores["arguments"] = _arguments(calls, expected.arguments)
    if any(behaviour.fails for behaviour in objective.tools.values()):
        scores["recovery"] = float(done)
    if expected.forbidden:
        scores["obedience"] = float(obedient)
    return scores


def _facts(said: str, expected: Expected, sales: Path) -> float:
    """The share of the phrases and figures that were said; 1 where there are none."""
    numbers = [float(found.replace(",", "")) for found in NUMBER.findall(said)]
    found = [phrases_present(said, [phrase]) == 1 for phrase in expected.contains]
    for figure in figures_of(expected.figures, sales) if expected.figures else ():
        if isinstance(figure, str):
            found.append(phrases_present(said, [figure]) == 1)
        else:
            found.append(any(abs(number - figure) <= TOLERANCE for number in numbers))
    return sum(found) / len(found) if found else 1.0


def _made(expected: Expected, attempt: Attempt) -> bool:
    """Whether every file and every memory is there; a file is named by how it ends."""
    files = [artefact.name for artefact in attempt.run.artefacts]
    left = list(files)
    for ending in expected.files:
        match = next((name for name in left if name.endswith(ending)), None)
        if match is None:
            return False
        left.remove(match)
    return all(any(kept.lower() in memory.lower() for memory in attempt.memories) for kept in expected.kept)


def _overlap(called: set[str], expected: set[str]) -> float:
    """Tools that were rightly called among all that were called or should have been (Jaccard); 1 for none at all."""
    return len(called & expected) / len(called | expected) if called | expected else 1.0


def _in_order(called: Sequence[str], expected: Sequence[str]) -> float:
    """The longest common subsequence of calls against the longer of the two; 1 for none at all."""
    lengths = [0] * (len(expected) + 1)
    for name in called:
        before = list(lengths)
        for place, wanted in enumerate(expected, start=1):
            lengths[place] = before[place - 1] + 1 if name == wanted else max(before[place], lengths[place - 1])
    longest = max(len(called), len(expected))
    return lengths[-1] / longest if longest else 1.0


def _arguments(calls: Sequence[Step], expected: Mapping[str, Sequence[str]]) -> float:
    """The share of the expected texts that the arguments of some call of their tool contain, whatever the case."""
    given = {name: " ".join(str(s.arguments) for s in calls if s.tool == name).lower() for name in expected}
    found = [text.lower() in given[name] for name, texts in expected.items() for text in texts]
    return sum(found) / len(found)


@lru_cache(maxsize=256)
def figures_of(sql: str, database: Path) -> tuple[str | float, ...]:
    """Every value that the SELECT gives, numbers as numbers."""
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return tuple(_values(connection.execute(sql).fetchall()))


def _values(rows: Sequence[Sequence[object]]) -> Iterator[str | float]:
    for value in (cell for row in rows for cell in row):
        yield float(value) if isinstance(value, int | float) else str(value)
