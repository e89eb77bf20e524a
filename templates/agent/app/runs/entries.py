"""What passes between a run's store and its worker: finished operations, files, and how the work began and ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic_ai.messages import ModelResponse

from app.llm.usage import Usage
from app.runs.records import Approval, Decision, Run, RunState, Step
from app.tools.ports import ToolResult


@dataclass(frozen=True)
class Entry:
    """One finished operation of a run: a model's response, a tool's result, a person's decision, or recalled words."""

    step: Step | None = None  # what a reader sees of it
    usage: Usage = field(default_factory=Usage)
    response: ModelResponse | None = None
    result: ToolResult | None = None
    decision: Decision | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """A file that a tool made, with its content."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Taken:
    """A run that a worker has taken up, with all that was done for it before; `attempts` counts those in vain."""

    run: Run
    entries: Mapping[str, Entry]
    worked_seconds: float
    attempts: int
    resumed: int
    cancelling: bool


@dataclass(frozen=True)
class Ending:
    """How the work on a run ended, for good or until a person decides."""

    state: RunState
    reason: str = ""
    answer: str = ""
    approval: Approval | None = None
