"""HTTP calls for questions: JSON at once, or server-sent events while the answer grows; and for conversations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import Response

from app.answering.assistant import Answer
from app.answering.chat import Answering, Conversation, ConversationId, ConversationTurn, Question, respond
from app.api.dependencies import CallerDep

CLOSING_SECONDS = 5.0  # for answers whose scores are still to come when the service stops


@asynccontextmanager
async def finish_watching(app: FastAPI) -> AsyncIterator[None]:
    """Score what has gone out before the service ends."""
    yield
    await app.state.answering.watcher.close(CLOSING_SECONDS)


router = APIRouter(tags=["answers"], lifespan=finish_watching)


async def get_answering(request: Request) -> Answering:
    """What was opened when the application started."""
    answering: Answering = request.app.state.answering
    return answering


AnsweringDep = Annotated[Answering, Depends(get_answering)]


@router.post("/ask", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}})
async def ask(question: Question, answering: AnsweringDep, caller: CallerDep) -> Response:
    """Answer from the library, with citations that were checked, or say that the documents do not tell."""
    return await respond(question, answering, caller.id)


@router.get("/conversations/{conversation_id}")
async def get_conversation(conversation_id: ConversationId, answering: AnsweringDep, caller: CallerDep) -> Conversation:
    """What was asked and answered; other keys' conversations do not exist for this one."""
    turns = await to_thread.run_sync(answering.conversations.all, caller.id, conversation_id)
    return Conversation(id=conversation_id, turns=[ConversationTurn.model_validate(turn) for turn in turns])


@router.delete("/conversations/{conversation_id}", status_code=204)
async def delete_conversation(conversation_id: ConversationId, answering: AnsweringDep, caller: CallerDep) -> None:
    """Forget a conversation."""
    await to_thread.run_sync(answering.conversations.delete, caller.id, conversation_id)
