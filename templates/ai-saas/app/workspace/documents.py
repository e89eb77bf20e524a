"""HTTP calls on an organisation's documents. Adding answers at once with a status to poll; workers read them."""

from collections.abc import Sequence
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response

from app.ingestion.library import Source
from app.ingestion.receiving import MANY, ONE, DocumentState, Passage, read_body, read_form, states
from app.organisations.access import require_role
from app.scopes import Scope
from app.stores.catalog import DocumentRecord, DocumentStatus
from app.tenancy.scope import Role
from app.workspace.rooms import Workspace, WorkspaceDep

router = APIRouter(prefix="/documents", tags=["documents"])
READERS = Depends(require_role(Role.VIEWER, Scope.DOCUMENTS))
WRITERS = Depends(require_role(Role.MEMBER, Scope.DOCUMENTS))


@router.post(
    "",
    status_code=202,
    dependencies=[WRITERS],
    openapi_extra={"requestBody": {"required": True, "content": ONE}},
)
async def add_document(request: Request, response: Response, workspace: WorkspaceDep) -> DocumentState:
    """Take a document (multipart field `file`, or JSON) and tell where its state can be asked for."""
    (state,) = await _add(workspace, [await read_body(request)])
    response.headers["Location"] = state.status_url
    return state


@router.post(
    "/batch",
    status_code=202,
    dependencies=[WRITERS],
    openapi_extra={"requestBody": {"required": True, "content": MANY}},
)
async def add_documents(request: Request, workspace: WorkspaceDep) -> list[DocumentState]:
    """Take several documents at once (the field `file`, repeated): all of them, or none when one does not fit."""
    return await _add(workspace, await read_form(request))


@router.get("", dependencies=[READERS])
async def list_documents(
    workspace: WorkspaceDep,
    status: Annotated[DocumentStatus | None, Query(description="only documents in this state")] = None,
    after: Annotated[str, Query(description="only names that come after this one: the last of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[DocumentState]:
    """Documents by name, page by page."""
    find = workspace.library.catalog.documents
    return await to_thread.run_sync(lambda: told(workspace, find(status=status, after=after, limit=limit)))


@router.get("/{identifier}", dependencies=[READERS])
async def get_document(identifier: str, workspace: WorkspaceDep) -> DocumentState:
    """One document's state."""
    find = workspace.library.catalog.document
    (state,) = await to_thread.run_sync(lambda: told(workspace, [find(identifier)]))
    return state


@router.get("/{identifier}/passages", dependencies=[READERS])
async def list_passages(identifier: str, workspace: WorkspaceDep) -> list[Passage]:
    """A document as the search sees it, in reading order; none while it is not ready."""
    chunks = await to_thread.run_sync(workspace.library.passages, identifier)
    return [Passage(locator=chunk.locator, text=chunk.text) for chunk in chunks]


@router.delete("/{identifier}", status_code=204, dependencies=[WRITERS])
async def delete_document(identifier: str, request: Request, workspace: WorkspaceDep) -> None:
    """Forget a document and its passages; it makes room in the plan."""
    record = await workspace.remove(identifier)
    await to_thread.run_sync(request.app.state.audit.write, workspace.access.actor, "document.deleted", record.name)


def told(workspace: Workspace, records: Sequence[DocumentRecord]) -> list[DocumentState]:
    """What callers are told of these documents."""
    address = f"/v1/organisations/{workspace.access.scope.organisation}/documents"
    return states(workspace.library, records, address)


async def _add(workspace: Workspace, sources: Sequence[Source]) -> list[DocumentState]:
    records = await workspace.add(sources)
    return await to_thread.run_sync(told, workspace, records)
