"""HTTP calls on the caller's own memories."""

from datetime import datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from app.api.dependencies import PRINTABLE, CallerDep
from app.memory.store import LONGEST, Kind, Memories, Memory

router = APIRouter(prefix="/memories", tags=["memories"])

Text = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=PRINTABLE)]


class NewMemory(BaseModel, extra="forbid"):
    """What to keep, or what a memory should say from now on."""

    text: Text
    kind: Kind | None = None


class Source(BaseModel):
    """Where a memory comes from: the run that kept it (empty where its owner wrote it), and when."""

    run: str
    when: datetime


class MemoryState(BaseModel):
    """One memory; `score` in [-1, 1] only where a query found it."""

    id: str
    text: str
    kind: Kind
    source: Source
    score: float | None = None
    created_at: datetime
    updated_at: datetime


class MemoryList(BaseModel):
    """Memories, the best first after a query, else the newest."""

    memories: list[MemoryState]


def get_memories(request: Request) -> Memories:
    """The memories opened when the application started."""
    memories: Memories = request.app.state.memories
    return memories


MemoriesDep = Annotated[Memories, Depends(get_memories)]


@router.get("")
async def list_memories(
    caller: CallerDep,
    memories: MemoriesDep,
    query: Annotated[str, Query(max_length=LONGEST, pattern=PRINTABLE, description="what to look for")] = "",
    kind: Annotated[Kind | None, Query(description="only this kind")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> MemoryList:
    """What is kept for the caller."""
    if query.strip():
        found = await memories.recall(caller.id, query, limit, kind)
    else:
        found = await to_thread.run_sync(memories.listed, caller.id, kind, limit)
    return MemoryList(memories=[_state(memory) for memory in found])


@router.post("", status_code=201)
async def add_memory(new: NewMemory, caller: CallerDep, memories: MemoriesDep) -> MemoryState:
    """Keep something; a text that is known already comes back as it was kept."""
    return _state(await memories.remember(caller.id, new.text, new.kind or Kind.FACT))


@router.patch("/{identifier}")
async def edit_memory(identifier: str, new: NewMemory, caller: CallerDep, memories: MemoriesDep) -> MemoryState:
    """Correct a memory."""
    return _state(await memories.edit(caller.id, identifier, new.text, new.kind))


@router.delete("/{identifier}", status_code=204)
async def forget_memory(identifier: str, caller: CallerDep, memories: MemoriesDep) -> None:
    """Forget a memory for good."""
    await to_thread.run_sync(memories.forget, caller.id, identifier)


def _state(memory: Memory) -> MemoryState:
    return MemoryState(
        id=memory.id,
        text=memory.text,
        kind=memory.kind,
        source=Source(run=memory.run, when=memory.created_at),
        score=memory.score,
        created_at=memory.created_at,
        updated_at=memory.updated_at,
    )
