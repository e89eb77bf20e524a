"""From the goal to a plan, and after a failure to another one."""

from dataclasses import replace
from itertools import count

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart

from app.agents.brief import Brief
from app.agents.desk import Desk
from app.agents.endings import Failed
from app.agents.own_tools import Decline, MakePlan, arguments_of, parsed
from app.runs.records import PlanState, PlanStep, Step
from app.tools.ports import ToolFailed

TRIES = 3
NUDGE = "Call make_plan."


async def make_plan(desk: Desk, number: int, failure: str = "") -> tuple[PlanStep, ...]:
    """The `number`th plan of the run: what is done stays, what is left is dropped, new steps follow.

    Raises:
        Failed: the model declines the goal, or makes no plan.
    """
    planner = desk.agent("planner")
    brief = Brief(
        desk.journal.run.goal,
        notes=done_notes(desk.journal.plan),
        memories=desk.memories,
        failure=failure,
        tools=tuple(f"{tool.name}: {tool.description}" for tool in desk.toolbox.definitions()),
    )
    system = planner.prompt.system
    messages: list[ModelMessage] = [ModelRequest([UserPromptPart(brief.render(planner.prompt))], instructions=system)]
    for turn in count(1):
        key = f"plan{number}.{turn}"
        entry = await desk.ask(key, planner, desk.platform.model, messages, _describe)
        response = entry.response or ModelResponse([])
        answers = _answers(response)
        if isinstance(answers, MakePlan):
            return _continued(desk.journal.plan, answers)
        if isinstance(answers, Decline):
            raise Failed(answers.reason)
        if turn == TRIES:
            raise Failed(f"The model made no plan in {TRIES} attempts.")
        messages += [response, ModelRequest(answers, instructions=system)]
    raise AssertionError("a count never ends")


def done_notes(plan: tuple[PlanStep, ...]) -> dict[int, str]:
    """What came out of the steps that are done."""
    return {step.number: step.note for step in plan if step.state is PlanState.DONE}


def _answers(response: ModelResponse) -> MakePlan | Decline | list[UserPromptPart | ToolReturnPart]:
    """The plan, why there is none, or what the model is told instead of one."""
    told: list[UserPromptPart | ToolReturnPart] = []
    for call in response.tool_calls:
        try:
            return _plan_of(call)
        except ToolFailed as error:
            told.append(ToolReturnPart(call.tool_name, str(error), tool_call_id=call.tool_call_id, outcome="failed"))
    return told or [UserPromptPart(NUDGE)]


def _plan_of(call: ToolCallPart) -> MakePlan | Decline:
    if call.tool_name == "decline":
        return parsed(Decline, call)
    if call.tool_name != "make_plan":
        raise ToolFailed(f"There is no tool {call.tool_name[:100]!r} for planning. {NUDGE}")
    return parsed(MakePlan, call)


def _continued(plan: tuple[PlanStep, ...], made: MakePlan) -> tuple[PlanStep, ...]:
    """The steps of a new plan after those of the earlier ones; numbers go on."""
    before = [replace(step, state=PlanState.DROPPED) if step.state is PlanState.TODO else step for step in plan]
    start = len(before)
    after = [
        PlanStep(start + place, step.title, step.specialist, tuple(start + needed for needed in step.after))
        for place, step in enumerate(made.steps, start=1)
    ]
    return (*before, *after)


def _describe(response: ModelResponse, draft: Step) -> Step | None:
    """Readers see the plan that was made, or why there is none, not the attempts."""
    made = _answers(response)
    if isinstance(made, Decline):
        return replace(draft, kind="plan", tool="decline", result=made.reason, ok=False)
    if not isinstance(made, MakePlan):
        return None
    call = next(call for call in response.tool_calls if call.tool_name == "make_plan")
    lines = [f"{place}. {step.title} ({step.specialist})" for place, step in enumerate(made.steps, start=1)]
    return replace(draft, kind="plan", tool="make_plan", arguments=arguments_of(call), result="\n".join(lines))
