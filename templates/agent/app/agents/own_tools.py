"""The tools that are part of the loop itself: make a plan or decline the goal, give up, hand work to a specialist."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.tools import ToolDefinition

from app.tools.ports import ToolFailed

SpecialistName = Literal["research", "analysis", "writing"]
T = TypeVar("T", bound=BaseModel)


class PlannedStep(BaseModel):
    """One step of a plan, as the model writes it."""

    title: Annotated[str, Field(min_length=1, max_length=200, description="what is to be done")]
    specialist: SpecialistName
    after: list[int] = Field([], description="numbers of the earlier steps whose results it needs; it sees no others")


class MakePlan(BaseModel):
    """Settle the plan: few steps, in an order in which they can be done, numbered from 1."""

    steps: Annotated[list[PlannedStep], Field(min_length=1, max_length=12)]

    @model_validator(mode="after")
    def _only_earlier(self) -> "MakePlan":
        for number, step in enumerate(self.steps, start=1):
            if any(not 1 <= needed < number for needed in step.after):
                raise ValueError(f"step {number} may only come after steps with a lower number")
        return self


class GiveUp(BaseModel):
    """Say that this step cannot be done, and why; the plan is then made anew."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class Decline(BaseModel):
    """Say that the goal, or a part of it, cannot be reached with these tools, and why; the run then ends as failed."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class Delegate(BaseModel):
    """Have a specialist do a task and get the result."""

    model_config = ConfigDict(extra="forbid")

    specialist: SpecialistName
    task: Annotated[str, Field(min_length=1, max_length=2000, description="all that the specialist needs to know")]


OWN_TOOLS: Mapping[str, type[BaseModel]] = {
    "make_plan": MakePlan,
    "decline": Decline,
    "give_up": GiveUp,
    "delegate": Delegate,
}


@cache
def definition(name: str) -> ToolDefinition:
    """One of these tools as a model is told of it."""
    arguments = OWN_TOOLS[name]
    return ToolDefinition(
        name=name, description=arguments.__doc__, parameters_json_schema=arguments.model_json_schema()
    )


def parsed(kind: type[T], call: ToolCallPart) -> T:
    """The arguments of a call.

    Raises:
        ToolFailed: they do not fit; the message is what the model reads.
    """
    try:
        return kind.model_validate(arguments_of(call))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()[:5])
        raise ToolFailed(f"The arguments do not fit {call.tool_name}. {problems}.") from None


def arguments_of(call: ToolCallPart) -> dict[str, Any]:
    """The arguments as an object, also where the model wrote something else."""
    return dict(call.args_as_dict())
