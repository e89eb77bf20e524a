"""HTTP calls for questions: JSON at once, or server-sent events while the answer grows; and for conversations."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from starlette.responses import Response, StreamingResponse

from app.answering.assistant import Answer, Assistant, Reply
from app.answering.conversations import Conversations, Turn, turn
from app.answering.repeats import Repeats
from app.answering.writing import Delta
from app.api.dependencies import PRINTABLE, CallerDep
from app.bootstrap import Platform
from app.errors import AppError
from app.product_settings import AnsweringSettings

log = structlog.get_logger()
router = APIRouter(tags=["answers"])

ConversationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]


class Question(BaseModel):
    """What to answer; with `stream` the answer comes as server-sent events.

    `conversation_id` is chosen by the caller, best at random: questions of one conversation are kept, and each may
    follow up the ones before it. `filters` are tags that a passage must carry, such as `folder` or `format`.
    """

    model_config = ConfigDict(extra="forbid")

    question: Annotated[
        str, Field(min_length=1, max_length=2000, pattern=PRINTABLE, examples=["How many leave days do I have?"])
    ]
    stream: StrictBool = False
    conversation_id: Annotated[ConversationId | None, Field(examples=["6f9c1f0e5d0b4c559f0e2b1a3c4d5e6f"])] = None
    filters: Annotated[dict[Tag, Tag], Field(max_length=10, examples=[{"folder": "hr"}])] = {}


class ConversationTurn(BaseModel):
    """One question as it was asked, the complete one that was searched for, and its answer."""

    model_config = ConfigDict(from_attributes=True)

    question: str
    searched: str
    answer: str
    created_at: datetime


class Conversation(BaseModel):
    """All turns of one conversation, oldest first."""

    id: str
    turns: list[ConversationTurn]


class Failure(BaseModel):
    """Why a stream ended without an answer."""

    detail: str


@dataclass(frozen=True)
class Answering:
    """What the calls of this module need; opened when the application starts."""

    assistant: Assistant
    conversations: Conversations
    repeats: Repeats
    settings: AnsweringSettings
    log_questions: bool

    async def parts(self, asked: Question, caller: str) -> AsyncGenerator[Delta | Answer]:
        """Pieces of the answer, then the whole; it is kept if the question belongs to a conversation."""
        if self.log_questions:
            log.info("question", text=asked.question)
        history = await self._history(caller, asked.conversation_id)
        answers = self._ask(asked, history, caller) if history else self._stand_alone(asked, caller)
        async with aclosing(answers) as parts:
            async for part in parts:
                if isinstance(part, Answer) and asked.conversation_id:
                    await self._keep(caller, asked.conversation_id, asked.question, part)
                yield part

    async def _stand_alone(self, asked: Question, caller: str) -> AsyncGenerator[Delta | Answer]:
        """The answer to a question without a history, which may have been given before."""
        scope = await self.repeats.scope(asked.question, asked.filters, caller)
        if scope and (kept := await self.repeats.find(scope, asked.question)):
            yield Delta(text=kept.answer)
            yield kept
            return
        async with aclosing(self._ask(asked, (), caller)) as parts:
            async for part in parts:
                if isinstance(part, Answer) and scope:
                    await self.repeats.keep(scope, asked.question, part)
                yield part

    async def _ask(self, asked: Question, history: Sequence[Turn], caller: str) -> AsyncGenerator[Delta | Answer]:
        async with aclosing(self.assistant.stream(asked.question, asked.filters, history, caller)) as parts:
            async for part in parts:
                yield part.answer if isinstance(part, Reply) else part

    async def _history(self, caller: str, conversation: str | None) -> Sequence[Turn]:
        if conversation is None:
            return ()
        budget = self.settings.history_tokens
        return await to_thread.run_sync(self.conversations.recent, caller, conversation, budget)

    async def _keep(self, caller: str, conversation: str, question: str, answer: Answer) -> None:
        searched = answer.rewrite.question if answer.rewrite else question
        ended = turn(question, searched, answer.answer)
        await to_thread.run_sync(self.conversations.add, caller, conversation, ended)


def open_answering(platform: Platform) -> Answering:
    """The assistant and the conversations of an open platform."""
    settings = platform.settings
    conversations = Conversations(platform.catalog.engine)
    return Answering(Assistant(platform), conversations, Repeats(platform), settings.answering, settings.log.content)


async def get_answering(request: Request) -> Answering:
    """What was opened when the application started."""
    answering: Answering = request.app.state.answering
    return answering


AnsweringDep = Annotated[Answering, Depends(get_answering)]


@router.post("/ask", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}})
async def ask(question: Question, answering: AnsweringDep, caller: CallerDep) -> Response:
    """Answer from the library, with citations that were checked, or say that the documents do not tell."""
    parts = answering.parts(question, caller.id)
    if question.stream:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # no proxy may hold the stream back
        return StreamingResponse(_events(parts), headers=headers, media_type="text/event-stream")
    async with aclosing(parts):
        *_, answer = [part async for part in parts]
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/conversations/{conversation_id}")
async def get_conversation(conversation_id: ConversationId, answering: AnsweringDep, caller: CallerDep) -> Conversation:
    """What was asked and answered; other keys' conversations do not exist for this one."""
    turns = await to_thread.run_sync(answering.conversations.all, caller.id, conversation_id)
    return Conversation(id=conversation_id, turns=[ConversationTurn.model_validate(turn) for turn in turns])


@router.delete("/conversations/{conversation_id}", status_code=204)
async def delete_conversation(conversation_id: ConversationId, answering: AnsweringDep, caller: CallerDep) -> None:
    """Forget a conversation."""
    await to_thread.run_sync(answering.conversations.delete, caller.id, conversation_id)


async def _events(parts: AsyncGenerator[Delta | Answer]) -> AsyncGenerator[bytes]:
    """`delta` events with checked text, then one `answer` event; an `error` event if the model fails midway."""
    try:
        async with aclosing(parts):
            async for part in parts:
                yield _event("delta" if isinstance(part, Delta) else "answer", part)
    except AppError as error:
        yield _event("error", Failure(detail=str(error)))


def _event(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json())
