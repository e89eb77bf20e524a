"""HTTP calls on documents. Adding answers at once with a status to poll; the work is done in the background."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import UploadFile

from app.errors import InvalidInput
from app.ingestion.library import Library, Source
from app.ingestion.sources import checked_name
from app.stores.catalog import DocumentRecord, DocumentStatus, document_id


@asynccontextmanager
async def run_workers(app: FastAPI) -> AsyncIterator[None]:
    """Take up waiting documents for as long as this process serves."""
    from app.jobs.queue import JobQueue  # here, because commands that do not serve need not load it

    library = app.state.library
    async with JobQueue(app.state.platform.settings.store.url, library.process, library.intake.waiting) as jobs:
        app.state.jobs = jobs
        yield


router = APIRouter(prefix="/documents", tags=["documents"], lifespan=run_workers)


class NewDocument(BaseModel):
    """A document sent as JSON; the name's ending (.md, .txt) says how to read the text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "a.md", "text": "# A\n…"}})

    name: str
    text: str


class DocumentState(BaseModel):
    """One document: `queued`, `processing`, then `ready` with its passages, or `failed`; `reason` says why, or warns.

    `attempts` counts how often a worker took it up; it is 0 for documents from the command line.
    """

    id: str
    name: str
    status: DocumentStatus
    reason: str
    chunks: int
    attempts: int
    updated_at: datetime
    status_url: str


class Passage(BaseModel):
    """A part of a document, and where it stands for a reader."""

    locator: str
    text: str


def get_library(request: Request) -> Library:
    """The library opened when the application started."""
    library: Library = request.app.state.library
    return library


LibraryDep = Annotated[Library, Depends(get_library)]

FILE = {"type": "string", "format": "binary"}
NOT_A_FORM = 'Send {"name": …, "text": …} or a form.'


def _form(field: Mapping[str, object]) -> dict[str, object]:
    form = {"schema": {"type": "object", "required": ["file"], "properties": {"file": field}}}
    return {"multipart/form-data": form}


ONE = {"application/json": {"schema": NewDocument.model_json_schema()}, **_form(FILE)}
MANY = _form({"type": "array", "items": FILE, "minItems": 1})


@router.post("", status_code=202, openapi_extra={"requestBody": {"required": True, "content": ONE}})
async def add_document(request: Request, response: Response, library: LibraryDep) -> DocumentState:
    """Take a document (multipart field `file`, or JSON) and tell where its state can be asked for."""
    (state,) = await _accept(request, library, [await _read_body(request)])
    response.headers["Location"] = state.status_url
    return state


@router.post("/batch", status_code=202, openapi_extra={"requestBody": {"required": True, "content": MANY}})
async def add_documents(request: Request, library: LibraryDep) -> list[DocumentState]:
    """Take several documents at once (the multipart field `file`, repeated); a bad name refuses all of them."""
    return await _accept(request, library, await _read_form(request))


@router.get("")
async def list_documents(
    library: LibraryDep,
    status: Annotated[DocumentStatus | None, Query(description="only documents in this state")] = None,
    after: Annotated[str, Query(description="only names that come after this one: the last of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[DocumentState]:
    """Documents by name, page by page."""
    return await to_thread.run_sync(
        lambda: _states(library, library.catalog.documents(status=status, after=after, limit=limit))
    )


@router.get("/{identifier}")
async def get_document(identifier: str, library: LibraryDep) -> DocumentState:
    """One document's state."""
    (state,) = await to_thread.run_sync(lambda: _states(library, [library.catalog.document(identifier)]))
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
        return _states(library, [library.catalog.document(document_id(source.name)) for source in sources])

    return await to_thread.run_sync(accept)


async def _read_body(request: Request) -> Source:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        source, *others = await _read_form(request)
        if others:
            raise InvalidInput("The form has several files.", "Send them to /v1/documents/batch.")
        return source
    try:
        document = NewDocument.model_validate_json(await request.body())
    except ValidationError as error:
        problems = "; ".join(e["msg"] for e in error.errors())
        raise InvalidInput(f"Not a document: {problems}.", NOT_A_FORM) from None
    return Source(checked_name(document.name), document.text.encode())


async def _read_form(request: Request) -> list[Source]:
    """The files of a form.

    Raises:
        InvalidInput: no form, no file in it, or one with a bad name.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidInput("This is no form.", "Send the documents as multipart/form-data, in the field `file`.")
    async with request.form() as form:
        uploads = [upload for upload in form.getlist("file") if isinstance(upload, UploadFile)]
        if not uploads:
            raise InvalidInput("The form has no file.", "Send the document in the field `file`.")
        names = [checked_name(upload.filename or "") for upload in uploads]
        return [Source(name, await upload.read()) for name, upload in zip(names, uploads, strict=True)]


def _states(library: Library, records: Sequence[DocumentRecord]) -> list[DocumentState]:
    attempts = library.intake.attempts(record.id for record in records)
    return [
        DocumentState(**vars(r), attempts=attempts.get(r.id, 0), status_url=f"/v1/documents/{r.id}") for r in records
    ]
