"""The tools with which the agent itself keeps and finds memories."""

from pydantic import BaseModel, Field

from app.errors import InvalidInput
from app.memory.store import LONGEST, Kind, Memories
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed


class Keeping(BaseModel, extra="forbid"):
    """What to keep."""

    text: str = Field(
        description="one sentence that is understood without its context", min_length=1, max_length=LONGEST
    )
    kind: Kind = Field(Kind.FACT, description="`preference` for what the owner likes or wants, else `fact`")


class Recalling(BaseModel, extra="forbid"):
    """What to look for."""

    question: str = Field(description="what you want to know about the owner", min_length=1, max_length=LONGEST)


def memory_tools(memories: Memories) -> list[Tool]:
    """`remember` and `recall`, each for the owner of the run that calls."""

    async def remember(keeping: Keeping, context: ToolContext) -> Outcome:
        try:
            kept = await memories.remember(context.owner, keeping.text, keeping.kind, context.run)
        except InvalidInput as error:
            raise ToolFailed(error.message, error.remedy) from None
        return Outcome(f"Kept as {kept.kind}: {kept.text}")

    async def recall(recalling: Recalling, context: ToolContext) -> Outcome:
        found = await memories.recall(context.owner, recalling.question)
        lines = [f"- {m.text} ({m.kind}, {m.updated_at:%Y-%m-%d})" for m in found]
        return Outcome("\n".join(lines) or "Nothing is known about this.")

    return [
        Tool("remember", "Keep a fact or a preference for later runs.", Permission.WRITE, Keeping, remember),
        Tool(
            "recall",
            "Find what the owner let you keep in earlier runs.",
            Permission.READ,
            Recalling,
            recall,
            attempts=2,
            trusted=False,
        ),
    ]
