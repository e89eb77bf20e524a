"""HTTP calls of the research assistant: search, summaries, references."""

from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from app.answering.chat import Tag
from app.api.dependencies import PRINTABLE
from app.organisations.access import require_role
from app.research.references import Reference, bibliography, reference
from app.research.search import Findings, find
from app.research.summary import Summary, summarise
from app.scopes import Scope
from app.stores.catalog import DocumentStatus
from app.tenancy.scope import Role
from app.workspace.rooms import Workspace, WorkspaceDep

router = APIRouter(tags=["research"])
READERS = Depends(require_role(Role.VIEWER, Scope.ASK))
Format = Literal["json", "markdown", "bibtex"]
TYPES = {"markdown": "text/markdown", "bibtex": "application/x-bibtex"}


class Topic(BaseModel):
    """What to look for; `filters` are tags that a passage must carry, such as `year` or `folder`."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=500, pattern=PRINTABLE, examples=["cooling by street trees"])]
    filters: Annotated[dict[Tag, Tag], Field(max_length=10, examples=[{"year": "2024"}])] = {}


@router.post("/search", dependencies=[READERS])
async def search_documents(topic: Topic, workspace: WorkspaceDep) -> Findings:
    """Which documents speak about this, and where. No model writes, so it costs no question."""
    return await find(workspace.platform, topic.text, topic.filters)


@router.post(
    "/summaries",
    dependencies=[READERS],
    response_model=Summary,
    responses={200: {"content": {media: {} for media in TYPES.values()}}},
)
async def summarise_literature(
    topic: Topic,
    workspace: WorkspaceDep,
    form: Annotated[
        Literal["json", "markdown", "bibtex"], Query(alias="format", description="what to answer")
    ] = "json",
) -> Response:
    """What the documents say about a topic, each with its quotes; it counts as one question."""
    async with workspace.question():
        summary = await summarise(workspace.platform, topic.text, workspace.asker, topic.filters)
    if form == "json":
        return Response(summary.model_dump_json(), media_type="application/json")
    return PlainTextResponse(summary.markdown() if form == "markdown" else summary.bibtex(), media_type=TYPES[form])


@router.get(
    "/references",
    dependencies=[READERS],
    response_class=Response,
    responses={200: {"content": {TYPES["bibtex"]: {}}}},
)
async def list_references(workspace: WorkspaceDep) -> PlainTextResponse:
    """All documents that are ready as BibTeX, by what their front matter says of them."""
    found = await to_thread.run_sync(references_of, workspace)
    headers = {"Content-Disposition": 'attachment; filename="references.bib"'}
    return PlainTextResponse(bibliography(found), headers=headers, media_type=TYPES["bibtex"])


def references_of(workspace: Workspace) -> list[Reference]:
    """The reference of every document that is ready, by name."""
    records = workspace.library.catalog.documents(status=DocumentStatus.READY)
    first = ((record.name, workspace.platform.index.passages(record.name)[:1]) for record in records)
    return [reference(name, dict(passage.tags)) for name, (passage,) in first]
