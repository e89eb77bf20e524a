"""A run as it is stored and shown: its plan, its steps, what it waits for and what it made."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """Where a run is. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # for a person's approval
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"  # a limit was reached: steps, time, money, or the same call again and again
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED, RunState.CANCELLED)


class PlanState(StrEnum):
    """The state of one step of a plan."""

    TODO = "todo"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"  # a new plan took its place


@dataclass(frozen=True)
class PlanStep:
    """One step of the plan; `after` names the numbers of the steps whose results it needs."""

    number: int
    title: str
    specialist: str
    after: tuple[int, ...] = ()
    state: PlanState = PlanState.TODO
    note: str = ""  # what came out of it


@dataclass(frozen=True)
class Step:
    """One thing that an agent did: `kind` is `plan`, `tool` or `note` (words that end a step of the plan)."""

    number: int
    agent: str
    kind: str
    thought: str
    tool: str
    arguments: dict[str, Any]
    result: str
    ok: bool
    artefacts: tuple[str, ...]
    started_at: datetime
    seconds: float
    input_tokens: int
    output_tokens: int
    cost_usd: float
    plan_step: int = 0  # the number of the step of the plan that it belongs to; 0 where it made the plan


@dataclass(frozen=True)
class Approval:
    """A call that waits for a person: `id` is the call's own name within its run."""

    id: str
    tool: str
    arguments: dict[str, Any]
    asked_at: datetime


@dataclass(frozen=True)
class Decision:
    """What a person said to an approval."""

    granted: bool
    comment: str
    by: str  # the caller's id
    at: datetime


@dataclass(frozen=True)
class Artefact:
    """A file that the run made."""

    name: str
    media_type: str
    bytes: int


@dataclass(frozen=True)
class Run:
    """All that is known of a run. `reason` says why it failed or stopped; `cost_usd` is its sum so far.

    `worked_seconds` is the time at work up to the last finished operation, without waiting for a worker or a person.
    """

    id: str
    owner: str
    goal: str
    pattern: str
    state: RunState
    reason: str
    answer: str
    plan: tuple[PlanStep, ...]
    steps: tuple[Step, ...]
    artefacts: tuple[Artefact, ...]
    approval: Approval | None
    model: str
    prompt_version: str
    trace_id: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    created_at: datetime
    updated_at: datetime = field(compare=False)
    worked_seconds: float = 0.0
