"""What this project adds to the shared rooms: a document library, and answers from it."""

import typer
from fastapi import Depends, FastAPI

from app.answering import routes as answering
from app.answering.chat import open_answering
from app.answering.commands import ask, demo
from app.api.dependencies import require
from app.bootstrap import Platform
from app.ingestion import routes as ingestion
from app.ingestion.commands import forget, ingest
from app.ingestion.library import Library
from app.observability.gauges import watch_waiting
from app.scopes import Scope

HOME = "ask.html"
OFFLINE_MODEL = "app.llm.offline:offline_model"  # what answers without a key
OFFLINE_WORDS = "sentences copied by an extractive model, found by word and spelling alone"
SUITES = ("app.answering.evaluation:SUITE",)  # where each is; imported only by `app eval`


def mount(app: FastAPI, platform: Platform) -> None:
    """Add this project's calls to the application."""
    app.state.library = Library(platform)
    app.state.answering = open_answering(platform)
    watch_waiting(platform.telemetry, platform.catalog.oldest_wait_seconds)
    for router, scope in ((ingestion.router, Scope.DOCUMENTS), (answering.router, Scope.ASK)):
        app.include_router(router, prefix="/v1", dependencies=[Depends(require(scope))])


def add_commands(cli: typer.Typer) -> None:
    """Add this project's commands to `app`."""
    cli.command()(ingest)
    cli.command()(forget)
    cli.command()(ask)
    cli.command()(demo)
