"""The moves of a routine: a call with its reason, a second try, and giving up."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from app.policy.brief import Result

NO_OTHER_WAY = "There is no other way to it."  # a planner that reads this does not plan again


@dataclass(frozen=True)
class Call:
    """A tool, its arguments, and why it is called now."""

    thought: str
    tool: str
    arguments: dict[str, Any]


Routine = Generator[Call, Result, str]
Move = Generator[Call, Result, Result]


def attempt(thought: str, tool: str, **arguments: object) -> Move:
    """Call a tool, and once more where it failed; a person's refusal is final, and so is what has no other way."""
    result = yield Call(thought, tool, arguments)
    if not result.ok and not result.refused and NO_OTHER_WAY not in result.text:
        result = yield Call(f"{tool} failed, so it is tried once more.", tool, arguments)
    return result


def needed(thought: str, tool: str, **arguments: object) -> Generator[Call, Result, str]:
    """Call a tool whose text the step cannot do without; where it fails twice the step is given up."""
    result = yield from attempt(thought, tool, **arguments)
    if not result.ok:
        reason = f"{tool} failed: {result.text[:300]}"
        yield Call("Without this the step cannot be done.", "give_up", {"reason": reason})
    return result.text


def hopeless(reason: str) -> Generator[Call, Result, str]:
    """Give the step up for good: another plan would meet the same."""
    yield Call("Nobody but the owner can help here.", "give_up", {"reason": f"{reason[:900]} {NO_OTHER_WAY}"})
    return reason
