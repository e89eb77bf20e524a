"""Puts the agent together: tools, memory, and the executor that works on runs."""

from collections.abc import Sequence

from app.bootstrap import Platform
from app.memory.store import Memories
from app.memory.window import fit
from app.runs.executor import Executor
from app.tools.registry import build_toolbox


def open_executor(platform: Platform, memories: Memories) -> Executor:
    """The executor with every tool that the settings allow."""

    async def recall(owner: str, goal: str) -> Sequence[str]:
        return [memory.text for memory in await memories.recall(owner, goal)]

    return Executor(platform, build_toolbox(platform, memories), recall, fit)
