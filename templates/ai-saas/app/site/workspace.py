"""Pages of the daily work: overview, documents, questions and answers, their history, and links that share them."""

import secrets
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse, Response

from app.answering.chat import ConversationId
from app.billing.plans import Kind
from app.ingestion.library import Source
from app.ingestion.parsing import PARSERS
from app.ingestion.sources import documents_in
from app.organisations.access import require_role
from app.site.account import FORM_BYTES
from app.site.failures import PageRoute
from app.site.frame import Page, Visit, VisitDep
from app.site.onboarding import overview_content
from app.stores.catalog import DocumentStatus, document_id
from app.tenancy.scope import Role
from app.workspace import chat as chat_calls
from app.workspace import documents as document_calls
from app.workspace.flavour import chosen
from app.workspace.history import conversation_of, conversations_of
from app.workspace.rooms import Workspace, WorkspaceDep

router = APIRouter(
    prefix="/o/{organisation}",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(require_role(Role.VIEWER))],
    max_body_size=FORM_BYTES,
)
WRITERS = [Depends(require_role(Role.MEMBER))]
PAGE = 100  # documents on one page
UNDERWAY = (DocumentStatus.QUEUED, DocumentStatus.PROCESSING)


@router.get("")
async def overview(visit: VisitDep, workspace: WorkspaceDep) -> Response:
    """What is there and what to do next."""
    return visit.show(await overview_page(visit, workspace))


async def overview_page(visit: Visit, workspace: Workspace) -> Page:
    """The first page of an organisation."""
    content = await to_thread.run_sync(overview_content, visit, workspace)
    return Page("site/overview.html", "Overview", content)


@router.post("/samples", dependencies=WRITERS)
async def add_samples(visit: VisitDep, workspace: WorkspaceDep) -> Response:
    """Read in the product's sample documents, as many as the plan has room for."""

    def sources() -> list[Source]:
        left = visit.standings[Kind.DOCUMENTS].left
        found = list(documents_in([chosen().samples]))[:left]
        return [Source(name, file.read_bytes()) for name, file in found]

    async def back(_: Visit) -> Page:
        return await overview_page(visit, workspace)

    async def act() -> None:
        await workspace.add(await to_thread.run_sync(sources))

    return await visit.attempt(act(), back, "/documents?done=samples")


@router.get("/documents")
async def documents(request: Request, visit: VisitDep, workspace: WorkspaceDep, after: str = "") -> Response:
    """The documents; where htmx asks for a part, the list alone."""
    page = await documents_page(visit, workspace, after)
    if "hx-request" not in request.headers:
        return visit.show(page)
    return visit.show(Page("site/documents_list.html", page.heading, page.content))


async def documents_page(visit: Visit, workspace: Workspace, after: str = "") -> Page:
    """One page of documents by name."""
    catalog = workspace.library.catalog
    found = await to_thread.run_sync(lambda: catalog.documents(after=after, limit=PAGE + 1))
    content = {
        "documents": found[:PAGE],
        "more": len(found) > PAGE,
        "busy": sum(document.status in UNDERWAY for document in found),
        "after": after,
        "room": {
            "documents": visit.room(Kind.DOCUMENTS),
            "storage": visit.room(Kind.STORAGE_BYTES),
        },
        "suffixes": ", ".join(sorted(PARSERS)),
    }
    return Page("site/documents.html", "Documents", content)


@router.post("/documents/{identifier}/delete", dependencies=WRITERS)
async def delete_document(identifier: str, request: Request, visit: VisitDep, workspace: WorkspaceDep) -> Response:
    """Forget a document."""

    async def back(_: Visit) -> Page:
        return await documents_page(visit, workspace)

    gone = document_calls.delete_document(identifier, request, workspace)
    return await visit.attempt(gone, back, "/documents?done=deleted")


@router.get("/document")
async def document(
    visit: VisitDep, workspace: WorkspaceDep, name: str, locator: Annotated[str, Query(max_length=1000)] = ""
) -> Response:
    """A document as the search sees it, with the passages marked that stand at `locator`."""

    def read() -> Page:
        record = workspace.library.catalog.document(document_id(name))
        passages = workspace.library.passages(record.id)
        content = {"document": record, "passages": passages, "locator": locator}
        return Page("site/document.html", record.name, content)

    return visit.show(await to_thread.run_sync(read))


@router.get("/ask")
async def ask(visit: VisitDep, workspace: WorkspaceDep, conversation: ConversationId | None = None) -> Response:
    """A conversation: a new one, or one to go on with."""

    def read() -> Page:
        any_document = bool(workspace.library.catalog.documents(limit=1))
        told = conversation_of(workspace.rooms, workspace.asker, conversation) if conversation else None
        content = {
            "conversation": conversation or secrets.token_hex(16),
            "turns": told.turns if told else [],
            "documents": any_document,
        }
        return Page("site/chat.html", "Conversation" if told else "Ask", content)

    return visit.show(await to_thread.run_sync(read))


@router.get("/quota")
async def quota(visit: VisitDep) -> Response:
    """What is left of this month's questions, for a page that asked one."""
    return visit.show(Page("site/quota_moved.html", "", {"moved": True}))


@router.get("/history")
async def history(request: Request, visit: VisitDep, workspace: WorkspaceDep) -> Response:
    """One's conversations and the links that share them."""
    return visit.show(await history_page(request, visit, workspace))


async def history_page(request: Request, visit: Visit, workspace: Workspace, link: str = "") -> Page:
    """The history; `link` was made a moment ago."""

    def read() -> dict[str, object]:
        talks = conversations_of(workspace.rooms, workspace.asker)
        shares = chat_calls.shares_of(request).of(visit.access.scope, workspace.asker)
        titles = {talk.id: talk.title for talk in talks}
        shown = [{"id": s.id, "at": s.created_at, "title": titles.get(s.conversation, s.conversation)} for s in shares]
        return {"conversations": talks, "shares": shown, "fresh_link": link}

    return Page("site/history.html", "History", await to_thread.run_sync(read))


@router.post("/history/{conversation_id}/share", dependencies=WRITERS)
async def share(
    conversation_id: ConversationId, request: Request, visit: VisitDep, workspace: WorkspaceDep
) -> Response:
    """Make a link, and show it this once."""
    made = await chat_calls.share_conversation(conversation_id, request, workspace)
    base: str = visit.access.platform.settings.accounts.base_url
    return visit.show(await history_page(request, visit, workspace, base + made.url))


@router.post("/shares/{identifier}/revoke", dependencies=WRITERS)
async def revoke(identifier: str, request: Request, visit: VisitDep, workspace: WorkspaceDep) -> Response:
    """Take a link back."""
    await chat_calls.revoke_share(identifier, request, workspace)
    return visit.go("/history?done=unshared")


@router.post("/history/{conversation_id}/delete")
async def forget(
    conversation_id: ConversationId, request: Request, visit: VisitDep, workspace: WorkspaceDep
) -> Response:
    """Forget a conversation."""
    await chat_calls.delete_conversation(conversation_id, request, workspace)
    return visit.go("/history?done=deleted")
