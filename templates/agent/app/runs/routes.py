"""HTTP calls on runs: ask for one, follow it, decide what it waits for, end it, and fetch what it made."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.responses import StreamingResponse

from app.api.dependencies import PRINTABLE, CallerDep
from app.product_settings import PatternName
from app.runs.executor import LONGEST_GOAL, Executor
from app.runs.records import Approval, Artefact, Decision, PlanStep, Run, RunState, Step
from app.runs.store import EVERYONE
from app.scopes import Scope

POLL_SECONDS = 0.2
QUIET_SECONDS = 15.0  # after which a stream says that it is still there
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # no proxy may hold the stream back
RUNS_AT_ONCE = 16  # per process; a run mostly waits for a model
# What a run made is shown, never run: no script, no request, no access to the page.
ARTEFACT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SHOWN = ("image/svg+xml", "text/html")
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "The run's state does not allow this"}}


@asynccontextmanager
async def run_workers(app: FastAPI) -> AsyncIterator[None]:
    """Work on runs for as long as this process serves."""
    from app.jobs.queue import JobQueue  # here, because commands that do not serve need not load it

    executor: Executor = app.state.executor
    url = app.state.platform.settings.store.url
    async with JobQueue(url, executor.work, executor.store.waiting, RUNS_AT_ONCE) as jobs:
        app.state.jobs = jobs
        yield


router = APIRouter(prefix="/runs", tags=["runs"], lifespan=run_workers)


class NewRun(BaseModel):
    """A goal, and how agents share the work (`APP_AGENT__PATTERN` unless it is named)."""

    model_config = ConfigDict(extra="forbid")

    goal: Annotated[
        str, Field(min_length=1, max_length=LONGEST_GOAL, pattern=PRINTABLE, examples=["What are our best products?"])
    ]
    pattern: PatternName | None = None


class RunTicket(BaseModel):
    """A run that was asked for."""

    id: str
    state: RunState


class RunSummary(RunTicket):
    """One line of the history."""

    goal: str
    owner: str
    pattern: str
    cost_usd: float
    worked_seconds: float
    created_at: datetime
    updated_at: datetime


class RunList(BaseModel):
    """Runs, newest first."""

    runs: list[RunSummary]


class ArtefactState(BaseModel):
    """A file that the run made, and where it is."""

    name: str
    media_type: str
    bytes: int
    url: str


class RunDetail(RunSummary):
    """All that is known of a run."""

    reason: str
    answer: str
    plan: list[PlanStep]
    steps: list[Step]
    artefacts: list[ArtefactState]
    approval: Approval | None
    model: str
    prompt_version: str
    trace_id: str
    input_tokens: int
    output_tokens: int


class Verdict(BaseModel):
    """What a person says to the approval with this id; a comment is told to the model."""

    model_config = ConfigDict(extra="forbid")

    approval: Annotated[str, Field(min_length=1, max_length=100)]
    granted: StrictBool
    comment: Annotated[str, Field(max_length=1000, pattern=PRINTABLE)] = ""


async def get_executor(request: Request) -> Executor:
    """The executor opened when the application started."""
    executor: Executor = request.app.state.executor
    return executor


ExecutorDep = Annotated[Executor, Depends(get_executor)]


async def whose(caller: CallerDep) -> str | None:
    """Whose runs the caller may see and decide: a key's own, with the scope `admin` those of every owner."""
    return EVERYONE if caller.may(Scope.ADMIN) else caller.id


WhoseDep = Annotated[str | None, Depends(whose)]


@router.post("", status_code=202)
async def start_run(
    new: NewRun, request: Request, response: Response, executor: ExecutorDep, caller: CallerDep
) -> RunTicket:
    """Take a goal and tell where its run can be followed."""
    run = await to_thread.run_sync(executor.create, caller.id, new.goal, new.pattern)
    await to_thread.run_sync(request.app.state.jobs.put, run.id)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    return RunTicket(id=run.id, state=run.state)


@router.get("")
async def list_runs(
    executor: ExecutorDep,
    whose: WhoseDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=16, description="the last id of the page before")] = None,
) -> RunList:
    """The runs that the caller may see, page by page."""
    found = await to_thread.run_sync(executor.store.recent, whose, limit, before)
    return RunList(runs=[RunSummary.model_validate(run, from_attributes=True) for run in found])


@router.get("/{identifier}")
async def get_run(identifier: str, executor: ExecutorDep, whose: WhoseDep) -> RunDetail:
    """One run as it is now."""
    return detail(await to_thread.run_sync(executor.store.get, identifier, whose))


@router.get("/{identifier}/events", responses={200: {"content": {"text/event-stream": {}}}})
async def follow_run(identifier: str, executor: ExecutorDep, whose: WhoseDep) -> StreamingResponse:
    """The run whenever it changes: events `run`, then `end` when nothing more will happen."""
    await to_thread.run_sync(executor.store.changes, identifier, whose)
    stream = _events(executor, identifier, whose)
    return StreamingResponse(stream, headers=STREAM_HEADERS, media_type="text/event-stream")


@router.post("/{identifier}/approve", responses=CONFLICT)
async def approve(
    identifier: str, verdict: Verdict, request: Request, executor: ExecutorDep, caller: CallerDep, whose: WhoseDep
) -> RunTicket:
    """Grant or refuse what the run waits for; it goes on either way."""
    decision = Decision(verdict.granted, verdict.comment, caller.id, datetime.now(UTC))
    await to_thread.run_sync(executor.store.decide, identifier, whose, verdict.approval, decision)
    return await _queued(identifier, request, executor, whose)


@router.post("/{identifier}/resume", responses=CONFLICT)
async def resume(identifier: str, request: Request, executor: ExecutorDep, whose: WhoseDep) -> RunTicket:
    """Go on with a failed or stopped run; its limits count anew."""
    await to_thread.run_sync(executor.store.resume, identifier, whose)
    return await _queued(identifier, request, executor, whose)


@router.post("/{identifier}/cancel", responses=CONFLICT)
async def cancel(identifier: str, executor: ExecutorDep, whose: WhoseDep) -> RunTicket:
    """End a run; one at work ends within a second."""
    await to_thread.run_sync(executor.store.cancel, identifier, whose)
    run = await to_thread.run_sync(executor.store.get, identifier, whose)
    return RunTicket(id=run.id, state=run.state)


@router.get("/{identifier}/artefacts/{name}", response_class=Response)
async def get_artefact(identifier: str, name: str, executor: ExecutorDep, whose: WhoseDep) -> Response:
    """A file that the run made; a browser shows pictures and pages, in a sandbox, and downloads the rest."""
    file = await to_thread.run_sync(executor.store.file, identifier, whose, name)
    shown = "inline" if file.media_type in SHOWN else "attachment"
    headers = {
        "Content-Disposition": f'{shown}; filename="{file.name}"',
        "Content-Security-Policy": ARTEFACT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    return Response(file.data, headers=headers, media_type=file.media_type)


def detail(run: Run) -> RunDetail:
    """A run as callers see it."""
    artefacts = [_artefact(run.id, artefact) for artefact in run.artefacts]
    values = {name: value for name, value in vars(run).items() if name != "artefacts"}
    return RunDetail.model_validate({**values, "artefacts": artefacts})


def _artefact(run: str, artefact: Artefact) -> ArtefactState:
    return ArtefactState(**asdict(artefact), url=f"/v1/runs/{run}/artefacts/{artefact.name}")


async def _queued(identifier: str, request: Request, executor: Executor, owner: str | None) -> RunTicket:
    await to_thread.run_sync(request.app.state.jobs.put, identifier)
    run = await to_thread.run_sync(executor.store.get, identifier, owner)
    return RunTicket(id=run.id, state=run.state)


async def _events(executor: Executor, identifier: str, owner: str | None) -> AsyncGenerator[bytes]:
    seen, spoke = -1, time.monotonic()
    while True:
        changes = await to_thread.run_sync(executor.store.changes, identifier, owner)
        if changes != seen:
            run = await to_thread.run_sync(executor.store.get, identifier, owner)
            yield format_sse_event(event="run", data_str=detail(run).model_dump_json())
            seen, spoke = changes, time.monotonic()
            if run.state.final:
                yield format_sse_event(event="end", data_str="{}")
                return
        elif time.monotonic() - spoke > QUIET_SECONDS:
            yield b": still here\n\n"
            spoke = time.monotonic()
        await asyncio.sleep(POLL_SECONDS)
