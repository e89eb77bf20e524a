"""Documents as callers send them and as they are told of: forms and JSON in, states out."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import UploadFile

from app.errors import InvalidInput
from app.ingestion.library import Library, Source
from app.ingestion.sources import checked_name
from app.stores.catalog import DocumentRecord, DocumentStatus


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


FILE = {"type": "string", "format": "binary"}
NOT_A_FORM = 'Send {"name": …, "text": …} or a form.'


def _form(field: Mapping[str, object]) -> dict[str, object]:
    form = {"schema": {"type": "object", "required": ["file"], "properties": {"file": field}}}
    return {"multipart/form-data": form}


ONE = {"application/json": {"schema": NewDocument.model_json_schema()}, **_form(FILE)}
MANY = _form({"type": "array", "items": FILE, "minItems": 1})


async def read_body(request: Request) -> Source:
    """The one document of a request: the form's field `file`, or JSON.

    Raises:
        InvalidInput: neither, several files, or a bad name.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        source, *others = await read_form(request)
        if others:
            raise InvalidInput("The form has several files.", "Send them to `documents/batch`.")
        return source
    try:
        document = NewDocument.model_validate_json(await request.body())
    except ValidationError as error:
        problems = "; ".join(e["msg"] for e in error.errors())
        raise InvalidInput(f"Not a document: {problems}.", NOT_A_FORM) from None
    return Source(checked_name(document.name), document.text.encode())


async def read_form(request: Request) -> list[Source]:
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


def states(library: Library, records: Sequence[DocumentRecord], address: str) -> list[DocumentState]:
    """What callers are told of these documents, which stand below `address`."""
    attempts = library.intake.attempts(record.id for record in records)
    return [DocumentState(**vars(r), attempts=attempts.get(r.id, 0), status_url=f"{address}/{r.id}") for r in records]
