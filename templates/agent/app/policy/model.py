"""A model by rules: it plans and works through the same prompts and tools as a provider's model would.

It is deterministic, needs no network and understands only the kinds of goals in `goals.py`; of any other goal, and of
any other part of a goal, it says so and declines (`gaps.py`).
Its scores are a floor that shows that the loop, the tools and the memory work, never a claim about a language model.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from app.policy.brief import Brief, Result, read_brief, read_results
from app.policy.moves import Call
from app.policy.plans import coordinate, plan
from app.policy.routines import work

NAME = "offline-policy"

Routine = Generator[Call, Result, str]
ROLES: dict[str, Callable[[Brief], Routine]] = {"planner": plan, "coordinator": coordinate}


def offline_model() -> FunctionModel:
    """The policy behind pydantic-ai's model interface."""
    return FunctionModel(respond, model_name=NAME)


async def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """The next move: one tool call with the thought behind it, or the words that end the step."""
    brief = read_brief(messages, info.instructions or "")
    results = read_results(messages)
    move = next_move(ROLES.get(brief.role, work)(brief), results)
    if isinstance(move, str):
        return ModelResponse([TextPart(move)])
    if move.tool not in {tool.name for tool in info.function_tools}:
        return ModelResponse([TextPart(f"{move.thought} That needs the tool {move.tool!r}, which is not given.")])
    return ModelResponse([TextPart(move.thought), _part(move, len(results))])


def next_move(routine: Routine, results: Sequence[Result]) -> Call | str:
    """Play a routine again with the results that there are; what it does next, or the words with which it ends."""
    try:
        move = next(routine)
        for result in results:
            move = routine.send(result)
    except StopIteration as end:
        return str(end.value)
    return move


def _part(call: Call, number: int) -> ToolCallPart:
    arguments: dict[str, Any] = dict(call.arguments)
    return ToolCallPart(call.tool, arguments, tool_call_id=f"{call.tool}-{number + 1}")
