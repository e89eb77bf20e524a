"""HTTP calls on documents. Adding answers at once with a status to poll; the work is done in the background."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response

from app.ingestion.library import Library, Source
from app.ingestion.receiving import MANY, ONE, DocumentState, Passage, read_body, read_form, states
from app.ingestion.reevaluation import JOB, Reevaluation, evaluate, is_wanted, watching
from app.stores.catalog import DocumentRecord, DocumentStatus, document_id


@asynccontextmanager
async def run_workers(app: FastAPI) -> AsyncIterator[None]:
    """Take up waiting documents, and have the changed index evaluated, for as long as this process serves."""
    from app.jobs.queue import JobQueue  # here, because commands that do not serve need not load it

    library, settings = app.state.library, app.state.platform.settings

    async def work(key: str) -> None:
        if key != JOB:
            await library.process(key)
        elif is_wanted(settings):  # an earlier process may have put it under other settings
            await evaluate()

    async with JobQueue(settings.store.url, work, library.intake.waiting) as jobs:
        app.state.jobs = jobs
        async with watching(settings, Reevaluation(library.catalog, jobs.put)):
            yield


router = APIRouter(prefix="/documents", tags=["documents"], lifespan=run_workers)


def get_library(request: Request) -> Library:
    """The library opened when the application started."""
    library: Library = request.app.state.library
    return library


LibraryDep = Annotated[Library, Depends(get_library)]


@router.post("", status_code=202, openapi_extra={"requestBody": {"required": True, "content": ONE}})
async def add_document(request: Request, response: Response, library: LibraryDep) -> DocumentState:
    """Take a document (multipart field `file`, or JSON) and tell where its state can be asked for."""
    (state,) = await _accept(request, library, [await read_body(request)])
    response.headers["Location"] = state.status_url
    return state


@router.post("/batch", status_code=202, openapi_extra={"requestBody": {"required": True, "content": MANY}})
async def add_documents(request: Request, library: LibraryDep) -> list[DocumentState]:
    """Take several documents at once (the multipart field `file`, repeated); a bad name refuses all of them."""
    return await _accept(request, library, await read_form(request))


@router.get("")
async def list_documents(
    library: LibraryDep,
    status: Annotated[DocumentStatus | None, Query(description="only documents in this state")] = None,
    after: Annotated[str, Query(description="only names that come after this one: the last of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[DocumentState]:
    """Documents by name, page by page."""
    return await to_thread.run_sync(
        lambda: _tell(library, library.catalog.documents(status=status, after=after, limit=limit))
    )


@router.get("/{identifier}")
async def get_document(identifier: str, library: LibraryDep) -> DocumentState:
    """One document's state."""
    (state,) = await to_thread.run_sync(lambda: _tell(library, [library.catalog.document(identifier)]))
    return state


@router.get("/{identifier}/passages")
async def list_passages(identifier: str, library: LibraryDep) -> list[Passage]:
    """A document as the search sees it, in reading order; none while it is not ready."""
    chunks = await to_thread.run_sync(library.passages, identifier)
    return [Passage(locator=chunk.locator, text=chunk.text) for chunk in chunks]


@router.delete("/{identifier}", status_code=204)
async def delete_document(identifier: str, library: LibraryDep) -> None:
    """Forget a document and its passages."""
    await library.remove(identifier)


async def _accept(request: Request, library: Library, sources: Sequence[Source]) -> list[DocumentState]:
    """Keep the documents and have a worker take them up; without a worker they wait until one starts."""
    jobs = getattr(request.app.state, "jobs", None)

    def accept() -> list[DocumentState]:
        for source in sources:
            if library.intake.accept(source.name, source.data) and jobs:
                jobs.put(document_id(source.name))
        return _tell(library, [library.catalog.document(document_id(source.name)) for source in sources])

    return await to_thread.run_sync(accept)


def _tell(library: Library, records: Sequence[DocumentRecord]) -> list[DocumentState]:
    return states(library, records, "/v1/documents")
