"""Adds the workspace to the application: its calls, those of the flavour, and the workers that read documents."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI

from app.bootstrap import Platform
from app.observability.gauges import watch_waiting
from app.operations.flags import TOOLS, require_feature
from app.tenancy.tenants import Tenants
from app.tenancy.work import DocumentWork
from app.workspace import chat, documents
from app.workspace.flavour import chosen
from app.workspace.intake import DocumentIntake
from app.workspace.shares import Shares

PREFIX = "/v1/organisations/{organisation}"
CLOSING_SECONDS = 5.0  # for answers whose scores are still to come when the service stops


def mount(app: FastAPI, platform: Platform, tenants: Tenants) -> None:
    """Add the calls; organisations and billing must be mounted."""
    flavour = chosen()
    app.state.flavour = flavour
    app.state.jobs = None
    watch_waiting(platform.telemetry, lambda: app.state.jobs.oldest_wait_seconds() if app.state.jobs else 0.0)
    app.state.shares = Shares(platform.catalog.engine)
    app.state.document_intake = DocumentIntake(app.state.billing.usage)
    for router in (documents.router, chat.router):
        app.include_router(router, prefix=PREFIX)
    app.include_router(flavour.router, prefix=PREFIX, dependencies=[Depends(require_feature(TOOLS))])
    app.include_router(chat.public, prefix="/v1")
    app.include_router(APIRouter(lifespan=run_workers(platform.settings.store.url, tenants)))


def run_workers(store_url: str, tenants: Tenants) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A lifespan in which this process reads the documents of every organisation that wait.

    At its end what has been answered is scored.
    """
    work = DocumentWork(tenants)

    @asynccontextmanager
    async def serve(app: FastAPI) -> AsyncIterator[None]:
        from app.jobs.queue import JobQueue  # here, because commands that do not serve need not load it

        async with JobQueue(store_url, work.do, work.waiting) as jobs:
            app.state.jobs = jobs
            app.state.document_intake.put = jobs.put
            yield
            app.state.document_intake.put = app.state.jobs = None
            await tenants.close(CLOSING_SECONDS)

    return serve
