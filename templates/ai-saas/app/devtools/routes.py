"""HTTP calls on repositories: send one as a zip archive, search its code, explain its architecture."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from app.api.dependencies import PRINTABLE
from app.devtools import reports
from app.devtools.codebase import architecture_of, search_code
from app.devtools.repository import unpack
from app.errors import InvalidInput
from app.ingestion.parsing import PARSERS
from app.ingestion.sources import checked_name
from app.organisations.access import require_role
from app.scopes import Scope
from app.tenancy.scope import Role
from app.workspace.rooms import Workspace, WorkspaceDep

READ = Depends(require_role(Role.VIEWER, Scope.DOCUMENTS))
WRITE = Depends(require_role(Role.MEMBER, Scope.DOCUMENTS))

router = APIRouter(prefix="/repositories", tags=["repositories"])

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
FORM = {
    "type": "object",
    "required": ["name", "file"],
    "properties": {"name": {"type": "string", "pattern": NAME}, "file": {"type": "string", "format": "binary"}},
}
BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}}


class CodeSearch(BaseModel):
    """What the code should do or say; `kind` is the ending of the files to look in, such as `py` or `md`."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(min_length=1, max_length=2000, pattern=PRINTABLE, examples=["retry with back-off"])]
    kind: Annotated[str, Field(pattern=r"^[a-z0-9]{0,10}$", examples=["py"])] = ""


@router.post("", status_code=202, dependencies=[WRITE], openapi_extra=BODY)
async def add_repository(request: Request, workspace: WorkspaceDep) -> reports.RepositoryReport:
    """Take a repository as a zip archive (field `file`) under a `name`; its files are read in the background."""
    name, data = await _read_form(request)
    return await receive(workspace, name, data)


@router.post("/search", dependencies=[READ])
async def search(asked: CodeSearch, workspace: WorkspaceDep) -> reports.SearchReport:
    """Code and documentation that speaks about this, whatever words it uses."""
    return reports.search_report(await search_code(workspace.platform, asked.question, asked.kind))


@router.get("/{name}/architecture", dependencies=[READ])
async def explain_architecture(name: str, workspace: WorkspaceDep) -> reports.ArchitectureReport:
    """A repository explained from who imports whom, each statement with the lines that prove it."""
    found = await to_thread.run_sync(architecture_of, workspace.platform, name)
    return reports.architecture_report(name, found)


async def _read_form(request: Request) -> tuple[str, bytes]:
    """The repository's name and its archive.

    Raises:
        InvalidInput: no form, a bad name, or no file.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidInput("This is no form.", "Send multipart/form-data with the fields `name` and `file`.")
    async with request.form() as form:
        name, file = form.get("name"), form.get("file")
        if not isinstance(name, str) or not isinstance(file, UploadFile):
            raise InvalidInput("The form needs a `name` and a `file`.", "Send a zip archive of the repository.")
        return name, await file.read()


async def receive(workspace: Workspace, name: str, data: bytes) -> reports.RepositoryReport:
    """Keep the files of an archive as documents, all of them or none.

    Raises:
        InvalidInput: the name is no part of a path, or the archive cannot be read.
        QuotaReached: they do not fit into the plan.
    """
    if "/" in checked_name(name) or len(name) > 64:
        raise InvalidInput(f"{name!r} is no name for a repository.", "Use up to 64 characters without a slash.")
    repository = await to_thread.run_sync(unpack, name, data, frozenset(PARSERS))
    return reports.repository_report(name, await workspace.add(repository.sources), repository)
