"""HTTP calls for questions, the history of conversations, links that share one, and what can be taken away."""

from datetime import datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel

from app.accounts.access import PUBLIC
from app.answering.chat import ConversationId, Question, respond
from app.api.feedback import Feedback, JudgedAnswer
from app.evals.answers import Judgement
from app.observability.redaction import redacted
from app.operations.flags import SHARING, flags_of, require_feature
from app.organisations.access import require_role
from app.scopes import Scope
from app.tenancy.scope import Role
from app.tenancy.tenants import Tenants
from app.workspace import export
from app.workspace.flavour import chosen
from app.workspace.history import (
    CitedConversation,
    ConversationEntry,
    conversation_of,
    conversations_of,
    forget,
)
from app.workspace.rooms import NoticedAnswer, Workspace, WorkspaceDep, open_rooms
from app.workspace.shares import Share, Shares, no_share

router = APIRouter(tags=["workspace"])
public = APIRouter(tags=["workspace"])
ASKERS = Depends(require_role(Role.VIEWER, Scope.ASK))
SHARERS = Depends(require_role(Role.MEMBER))
SHARING_ON = Depends(require_feature(SHARING))
ADMINS = Depends(require_role(Role.ADMIN))
FEEDBACK = Depends(require_role(Role.VIEWER, Scope.FEEDBACK))
FEEDBACK_READERS = Depends(require_role(Role.ADMIN, Scope.ADMIN))


class SharedLink(BaseModel):
    """A link to a conversation; `token` and `url` are told once, when it is made."""

    id: str
    conversation: str
    created_at: datetime
    token: str
    url: str


@router.post(
    "/ask",
    dependencies=[ASKERS],
    response_model=NoticedAnswer,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def ask(question: Question, workspace: WorkspaceDep) -> Response:
    """Answer from the organisation's documents, with citations that were checked, or say that they do not tell.

    What the product says below every answer is its `notice`.
    """
    key = await workspace.take_question()
    return await respond(question, workspace.paid(key), workspace.asker)


@router.get("/conversations", dependencies=[ASKERS])
async def list_conversations(workspace: WorkspaceDep) -> list[ConversationEntry]:
    """The caller's conversations, the latest first."""
    return await to_thread.run_sync(conversations_of, workspace.rooms, workspace.asker)


@router.get("/conversations/{conversation_id}", dependencies=[ASKERS])
async def get_conversation(conversation_id: ConversationId, workspace: WorkspaceDep) -> CitedConversation:
    """What was asked, answered and cited; other members' conversations do not exist for this one."""
    return await to_thread.run_sync(conversation_of, workspace.rooms, workspace.asker, conversation_id)


@router.get(
    "/conversations/{conversation_id}/markdown",
    dependencies=[ASKERS],
    response_class=Response,
    responses={200: {"content": {"text/markdown": {}}}},
)
async def export_conversation(conversation_id: ConversationId, workspace: WorkspaceDep) -> PlainTextResponse:
    """A conversation as a Markdown file."""
    told = await to_thread.run_sync(conversation_of, workspace.rooms, workspace.asker, conversation_id)
    headers = {"Content-Disposition": f'attachment; filename="{conversation_id}.md"'}
    return PlainTextResponse(told.as_markdown(), headers=headers, media_type="text/markdown")


@router.delete("/conversations/{conversation_id}", status_code=204, dependencies=[ASKERS])
async def delete_conversation(conversation_id: ConversationId, request: Request, workspace: WorkspaceDep) -> None:
    """Forget a conversation; the links to it are taken back."""
    await to_thread.run_sync(forget, workspace.rooms, workspace.asker, conversation_id)
    await to_thread.run_sync(shares_of(request).forget, workspace.access.scope, workspace.asker, conversation_id)


@router.post("/conversations/{conversation_id}/shares", status_code=201, dependencies=[SHARERS, SHARING_ON])
async def share_conversation(conversation_id: ConversationId, request: Request, workspace: WorkspaceDep) -> SharedLink:
    """Make a link that shows this conversation to whoever has it, without a login, until it is taken back."""
    await to_thread.run_sync(conversation_of, workspace.rooms, workspace.asker, conversation_id)  # 404 if not mine
    make = shares_of(request).create
    share = await to_thread.run_sync(make, workspace.access.scope, workspace.asker, conversation_id)
    await _note(request, workspace, "conversation.shared", share.id)
    return _told(share)


@router.get("/shares", dependencies=[SHARERS])
async def list_shares(request: Request, workspace: WorkspaceDep) -> list[SharedLink]:
    """The links that the caller made, the newest first, without their tokens."""
    found = await to_thread.run_sync(shares_of(request).of, workspace.access.scope, workspace.asker)
    return [_told(share) for share in found]


@router.delete("/shares/{share}", status_code=204, dependencies=[SHARERS])
async def revoke_share(share: str, request: Request, workspace: WorkspaceDep) -> None:
    """Take a link back: from now on it shows nothing."""
    await to_thread.run_sync(shares_of(request).revoke, workspace.access.scope, workspace.asker, share)
    await _note(request, workspace, "conversation.unshared", share)


@router.get(
    "/export",
    dependencies=[ADMINS],
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
)
async def export_workspace(request: Request, workspace: WorkspaceDep) -> StreamingResponse:
    """Everything that the workspace holds, as a zip: documents as they were read, conversations, the product's own."""
    file = await to_thread.run_sync(export.archive, workspace.rooms, chosen())
    await _note(request, workspace, "workspace.exported", "")
    headers = {"Content-Disposition": 'attachment; filename="workspace.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(export.pieces(file), headers=headers, media_type="application/zip")


@router.post("/feedback", status_code=204, dependencies=[FEEDBACK])
async def judge_answer(feedback: Feedback, workspace: WorkspaceDep) -> None:
    """Keep a judgement of one of the organisation's answers, personal data taken out of its comment."""
    add, comment = workspace.platform.catalog.add_feedback, redacted(feedback.comment)
    await to_thread.run_sync(add, feedback.trace_id, feedback.rating, comment)


@router.get("/feedback", response_model=list[JudgedAnswer], dependencies=[FEEDBACK_READERS])
async def list_judgements(
    workspace: WorkspaceDep,
    rating: Annotated[int, Query(ge=-1, le=1, description="only helpful (1) or unhelpful (-1) answers")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Judgement]:
    """What members said last of each answer, the newest first."""
    return await to_thread.run_sync(workspace.platform.answers.judgements, limit, rating)


@public.get("/shared/{token}", openapi_extra=PUBLIC)
async def read_shared(token: str, request: Request, response: Response) -> CitedConversation:
    """The conversation behind a link, for anybody who has it."""
    response.headers.update({"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})
    return await to_thread.run_sync(shared_conversation, request, token)


def shared_conversation(request: Request, token: str) -> CitedConversation:
    """What a link shows.

    Raises:
        NotFound: nothing; the link was taken back, the conversation is gone, or links are switched off.
    """
    share = shares_of(request).find(token)
    if not flags_of(request).on(SHARING, share.organisation):
        raise no_share()
    tenants: Tenants = request.app.state.tenants
    return conversation_of(tenants.room(share.organisation, open_rooms), share.asker, share.conversation)


def shares_of(request: Request) -> Shares:
    """What was opened when the application started."""
    shares: Shares = request.app.state.shares
    return shares


def _told(share: Share) -> SharedLink:
    return SharedLink(
        id=share.id,
        conversation=share.conversation,
        created_at=share.created_at,
        token=share.token,
        url=f"/shared/{share.token}" if share.token else "",
    )


async def _note(request: Request, workspace: Workspace, what: str, target: str) -> None:
    """Into the organisation's audit log."""
    await to_thread.run_sync(request.app.state.audit.write, workspace.access.actor, what, target)
