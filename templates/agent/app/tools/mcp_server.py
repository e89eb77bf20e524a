"""`app mcp`: this agent offered to other programs as an MCP server on stdin and stdout."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from app.about import ABOUT
from app.bootstrap import Platform, open_platform
from app.errors import AppError
from app.memory.store import Memories
from app.observability.logs import configure_logs
from app.runs.commands import OWNER
from app.runs.executor import Executor
from app.runs.records import Run
from app.runs.service import open_executor
from app.settings import load_settings

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

    from app.jobs.queue import JobQueue

INSTRUCTIONS = (
    "An agent that plans and works on a goal with tools of its own. start_run gives an id; ask get_run until the state "
    "is succeeded, failed, stopped or cancelled. In the state waiting a person must decide: tell yours."
)


def mcp() -> None:
    """Offer the agent to other programs as an MCP server on stdin and stdout, until they close it."""
    settings = load_settings()
    configure_logs(settings.log)
    with open_platform(settings) as platform:
        asyncio.run(_serve(platform))


async def _serve(platform: Platform) -> None:
    from app.jobs.queue import JobQueue  # here and below, because the other commands need not load it

    executor = open_executor(platform, Memories(platform))
    async with JobQueue(platform.settings.store.url, executor.work, executor.store.waiting) as jobs:
        await Desk(executor, jobs).server().run_stdio_async()


@dataclass(frozen=True)
class Desk:
    """What other programs may do with runs. They cannot approve: a person does, by `app runs approve ID`."""

    executor: Executor
    jobs: "JobQueue"

    def server(self) -> "MCPServer":
        """The three calls as an MCP server."""
        from mcp.server.mcpserver import MCPServer

        server = MCPServer(ABOUT.slug, instructions=INSTRUCTIONS, version=ABOUT.version)
        for offered in (self.start_run, self.get_run, self.cancel_run):
            server.add_tool(offered)
        return server

    async def start_run(self, goal: str) -> str:
        """Begin to work on a goal; the answer begins with the run's id."""
        with _explained():
            run = await to_thread.run_sync(self.executor.create, OWNER, goal)
        await to_thread.run_sync(self.jobs.put, run.id)
        return told(run)

    async def get_run(self, run: str) -> str:
        """How far a run is: its state, its plan, what it waits for, and at the end its answer and files."""
        with _explained():
            return told(await to_thread.run_sync(self.executor.store.get, run, OWNER))

    async def cancel_run(self, run: str) -> str:
        """End a run; what it did stays done."""
        with _explained():
            await to_thread.run_sync(self.executor.store.cancel, run, OWNER)
        return await self.get_run(run)


@contextmanager
def _explained() -> Iterator[None]:
    """Tell an expected error to the other program; of a defect it learns nothing."""
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        yield
    except AppError as error:
        raise ToolError(str(error)) from None


def told(run: Run) -> str:
    """A run in a few lines."""
    lines = [f"{run.id} {run.state}"]
    lines += [f"{step.number}. {step.state}: {step.title}" for step in run.plan]
    if run.approval:
        lines.append(f"Waits for a person: {run.approval.tool}. `app runs approve {run.id}` lets one decide.")
    lines += [text for text in (run.reason, run.answer) if text]
    if run.artefacts:
        lines.append(f"Files: {', '.join(artefact.name for artefact in run.artefacts)}")
    return "\n".join(lines)
