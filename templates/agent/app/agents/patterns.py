"""The four ways in which agents share the steps of a plan, and the walk through the plan that they have in common."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.agents.brief import Brief
from app.agents.desk import Desk
from app.agents.endings import Failed, GaveUp, NeedsApproval
from app.agents.loop import Loop
from app.agents.planning import done_notes, make_plan
from app.runs.journal import by_number
from app.runs.records import PlanState, PlanStep


@dataclass(frozen=True)
class Pattern:
    """Who does a step, and whether steps that do not need each other are done at once."""

    doer: Callable[[PlanStep], str]
    at_once: bool = False


PATTERNS: Mapping[str, Pattern] = {
    "single": Pattern(lambda step: "worker"),
    "sequential": Pattern(lambda step: step.specialist),
    "parallel": Pattern(lambda step: step.specialist, at_once=True),
    "coordinator": Pattern(lambda step: "coordinator"),
}


async def pursue(desk: Desk) -> str:
    """Plan, do the steps, plan again where one fails; the last step's note is the answer.

    Raises:
        NeedsApproval: a call waits for a person.
        Failed: no plan leads to the goal.
        Stopped: a limit was reached.
    """
    pattern = PATTERNS[desk.journal.run.pattern]
    desk.journal.plan = ()
    plan, plans, first = await make_plan(desk, 0), 1, 1
    while ready := _ready(plan, pattern):
        plan = await _wave(desk, pattern, plan, ready, first)
        if failed := [by_number(plan)[n] for n in ready if by_number(plan)[n].state is PlanState.FAILED]:
            failure = "\n".join(f"Step {step.number}, {step.title!r}, failed: {step.note}" for step in failed)
            if plans > desk.limits.replans:
                raise Failed(failure)
            first = len(plan) + 1
            plan, plans = await make_plan(desk, plans, failure), plans + 1
    return max(done_notes(plan).items())[1]


def _ready(plan: tuple[PlanStep, ...], pattern: Pattern) -> list[int]:
    """The numbers of the steps that can be done now."""
    done = done_notes(plan)
    ready = [s.number for s in plan if s.state is PlanState.TODO and all(needed in done for needed in s.after)]
    return ready if pattern.at_once else ready[:1]


async def _wave(
    desk: Desk, pattern: Pattern, plan: tuple[PlanStep, ...], ready: list[int], first: int
) -> tuple[PlanStep, ...]:
    """The plan after these steps were done, each to its end; `first` is the first number of the plan in force.

    Raises:
        NeedsApproval: a call waits for a person; the other steps are done before it is asked for.
    """
    desk.journal.plan = plan
    steps = by_number(plan)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_do(desk, pattern.doer(steps[n]), steps[n], first)) for n in ready]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    waiting = [ending for task in tasks if isinstance(ending := task.result(), NeedsApproval)]
    if waiting:
        raise waiting[0]
    return desk.journal.plan


async def _do(desk: Desk, doer: str, step: PlanStep, first: int) -> NeedsApproval | None:
    """One step to its end, which the plan shows; or what it waits for."""
    scope = f"s{step.number}"
    await _mark(desk, replace(step, state=PlanState.DOING), scope)
    loop = Loop(desk, desk.agent(doer), scope, step.number)
    try:
        note = await loop.run(_brief(desk, step, first))
    except NeedsApproval as ending:
        return ending
    except GaveUp as ending:
        await _mark(desk, replace(step, state=PlanState.FAILED, note=str(ending)), scope)
    else:
        await _mark(desk, replace(step, state=PlanState.DONE, note=note), scope)
    return None


def _brief(desk: Desk, step: PlanStep, first: int) -> Brief:
    """What the step's agent is told: the results that it needs, and those of earlier plans."""
    notes = {n: note for n, note in done_notes(desk.journal.plan).items() if n in step.after or n < first}
    return Brief(desk.journal.run.goal, step.title, notes, desk.memories)


async def _mark(desk: Desk, step: PlanStep, scope: str) -> None:
    plan = [step if other.number == step.number else other for other in desk.journal.plan]
    await desk.journal.show(plan, before=f"{scope}.1")
