"""What this project adds to the shared rooms: runs that pursue a goal, and memories."""

import typer
from fastapi import Depends, FastAPI

from app.api.dependencies import require
from app.bootstrap import Platform
from app.demo import demo
from app.memory import routes as memories
from app.memory.store import Memories
from app.runs import gauges
from app.runs import routes as runs
from app.runs.commands import run
from app.runs.commands import runs as runs_commands
from app.runs.service import open_executor
from app.scopes import Scope
from app.tools.mcp_server import mcp

HOME = "agent.html"
OFFLINE_MODEL = "app.policy.model:offline_model"  # what answers without a key
OFFLINE_WORDS = "goals read by the rules of a policy, which drives the real loop, tools and memory"
SUITES = ("app.evaluation.suite:SUITE",)  # where each is; imported only by `app eval`


def mount(app: FastAPI, platform: Platform) -> None:
    """Add this project's calls to the application."""
    app.state.memories = Memories(platform)
    app.state.executor = open_executor(platform, app.state.memories)
    gauges.watch(platform.telemetry, platform.catalog.engine)
    for router, scope in ((memories.router, Scope.MEMORY), (runs.router, Scope.RUNS)):
        app.include_router(router, prefix="/v1", dependencies=[Depends(require(scope))])


def add_commands(cli: typer.Typer) -> None:
    """Add this project's commands to `app`."""
    cli.command()(run)
    cli.add_typer(runs_commands, name="runs")
    cli.command()(mcp)
    cli.command()(demo)
