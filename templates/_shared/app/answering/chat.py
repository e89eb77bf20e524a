"""A chat over documents: follow-up questions, answers given before, scores afterwards, events while an answer grows."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from app.answering.assistant import PROMPT, Answer, Assistant, Reply
from app.answering.conversations import Conversations, Turn, turn
from app.answering.repeats import Repeats
from app.answering.settings import AnsweringSettings
from app.answering.support import BY_JUDGE, RUBRIC, described, score_reply, shown_to_judge
from app.answering.writing import Delta
from app.api.dependencies import PRINTABLE
from app.bootstrap import Platform
from app.errors import AppError
from app.evals.watching import Watcher, names_a_judge
from app.retrieval.retriever import Evidence

log = structlog.get_logger()

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
    """What the calls of a chat need; opened when the application starts."""

    assistant: Assistant
    conversations: Conversations
    repeats: Repeats
    watcher: Watcher
    settings: AnsweringSettings
    log_questions: bool

    async def parts(self, asked: Question, caller: str) -> AsyncGenerator[Delta | Reply]:
        """Pieces of the answer, then the whole; it is kept if the question belongs to a conversation."""
        if self.log_questions:
            log.info("question", text=asked.question)
        history = await self._history(caller, asked.conversation_id)
        if history:
            answers = self.assistant.stream(asked.question, asked.filters, history, caller, whole=not asked.stream)
        else:
            answers = self._stand_alone(asked, caller)
        async with aclosing(answers) as parts:
            async for part in parts:
                if isinstance(part, Reply) and asked.conversation_id:
                    await self.keep(caller, asked.conversation_id, asked.question, part.answer)
                yield part

    async def watch(self, asked: Question, reply: Reply) -> None:
        """Have an answer scored that has gone out; one that was given before was scored then."""
        scored, answer = not reply.answer.cached, reply.answer
        shown = shown_to_judge(reply) if scored and not answer.refused else None
        self.watcher.offer(described(asked.question, answer), lambda: score_reply(reply) if scored else {}, shown)

    async def keep(self, caller: str, conversation: str, question: str, answer: Answer) -> None:
        """Append a turn to its conversation."""
        searched = answer.rewrite.question if answer.rewrite else question
        ended = turn(question, searched, answer.answer)
        await to_thread.run_sync(self.conversations.add, caller, conversation, ended)

    async def _stand_alone(self, asked: Question, caller: str) -> AsyncGenerator[Delta | Reply]:
        """The answer to a question without a history, which may have been given before."""
        prepared = self.assistant.prepare(asked.question, caller)
        lookup = await self.repeats.look_up(asked.question, asked.filters, prepared)
        if lookup and lookup.answer:
            yield Delta(text=lookup.answer.answer)
            yield Reply(lookup.answer, Evidence((), lookup.answer.evidence))
            return
        prepared = lookup.prepared if lookup else prepared
        answers = self.assistant.stream(asked.question, asked.filters, (), caller, prepared, whole=not asked.stream)
        async with aclosing(answers) as parts:
            async for part in parts:
                if isinstance(part, Reply) and lookup:
                    await self.repeats.keep(lookup, part.answer)
                yield part

    async def _history(self, caller: str, conversation: str | None) -> Sequence[Turn]:
        if conversation is None:
            return ()
        budget = self.settings.history_tokens
        return await to_thread.run_sync(self.conversations.recent, caller, conversation, budget)


def open_answering(platform: Platform, prompt: str = PROMPT) -> Answering:
    """The assistant, which answers by `prompt`, and the conversations of an open platform."""
    settings = platform.settings
    conversations = Conversations(platform.catalog.engine, settings.answering.keep_days)
    judge = None
    if names_a_judge(settings):
        from app.evals.judges import online_judge  # here, because few services name one and its library is large

        judge = online_judge(platform, RUBRIC)
    watcher, repeats = Watcher(platform, BY_JUDGE, judge), Repeats(platform)
    return Answering(
        Assistant(platform, prompt), conversations, repeats, watcher, settings.answering, settings.log.content
    )


async def respond(question: Question, answering: Answering, caller: str) -> Response:
    """The answer as JSON, or as server-sent events where the question asks for a stream; scored when it is out."""
    if question.stream:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # no proxy may hold the stream back
        events = _events(question, answering, caller)
        return EventStream(events, headers=headers, media_type="text/event-stream")
    async with aclosing(answering.parts(question, caller)) as parts:
        *_, reply = [part async for part in parts]
    assert isinstance(reply, Reply)  # noqa: S101 - the parts end with it
    watch = BackgroundTask(answering.watch, question, reply)
    return Response(reply.answer.model_dump_json(), media_type="application/json", background=watch)


class EventStream(StreamingResponse):
    """A stream whose head goes out with its first event: what fails before is told like any other failure."""

    async def stream_response(self, send: Send) -> None:
        """Send the events."""
        held: list[Message] = []

        async def send_together(message: Message) -> None:
            held.append(message)
            if message["type"] != "http.response.start":
                for each in held:
                    await send(each)
                held.clear()

        await super().stream_response(send_together)


async def _events(question: Question, answering: Answering, caller: str) -> AsyncGenerator[bytes]:
    """`delta` events with checked text, then one `answer` event; an `error` event if the model fails midway.

    Raises:
        AppError: there is no answer, and no event was given yet.
    """
    begun = False
    try:
        async with aclosing(answering.parts(question, caller)) as parts:
            async for part in parts:
                if isinstance(part, Delta):
                    yield _event("delta", part)
                    begun = True
                    continue
                yield _event("answer", part.answer)
                await answering.watch(question, part)
    except AppError as error:
        if not begun:
            raise
        yield _event("error", Failure(detail=str(error)))


def _event(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json())
