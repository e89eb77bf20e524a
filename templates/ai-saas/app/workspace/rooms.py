"""The rooms of one organisation while it is served, and who uses them: what every call of the workspace works with."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, TypeVar

from anyio import to_thread
from fastapi import Depends, Request

from app.answering.assistant import Answer, Assistant, Reply
from app.answering.chat import Answering, Question, open_answering
from app.answering.writing import Delta
from app.billing.plans import Kind
from app.billing.usage import Usage
from app.bootstrap import Platform
from app.errors import BudgetExceeded, ModelUnavailable, TooManyTokens
from app.ingestion.library import Library, Source
from app.organisations.access import Access, AccessDep
from app.stores.catalog import DocumentRecord
from app.tenancy.scope import new_id
from app.tenancy.tenants import Tenants
from app.workspace.flavour import chosen
from app.workspace.intake import DocumentIntake
from app.workspace.sources import Sources

Room = TypeVar("Room")
UNANSWERED = (ModelUnavailable, TooManyTokens, BudgetExceeded)


@dataclass(frozen=True)
class Rooms:
    """What is opened once per organisation."""

    platform: Platform
    library: Library
    answering: Answering
    sources: Sources


class NoticedAnswer(Answer):
    """An answer, and what the product says below each; '' where it says nothing."""

    notice: str


@dataclass(frozen=True)
class TenantAnswering(Answering):
    """Answers with the product's notice that keep their citations; without one, `give_back` is called."""

    sources: Sources
    give_back: Callable[[], Awaitable[None]]

    async def parts(self, asked: Question, caller: str) -> AsyncGenerator[Delta | Reply]:
        """As for every chat."""
        try:
            async with aclosing(super().parts(asked, caller)) as parts:
                async for part in parts:
                    yield noticed(part) if isinstance(part, Reply) else part
        except UNANSWERED:
            await self.give_back()
            raise

    async def keep(self, caller: str, conversation: str, question: str, answer: Answer) -> None:
        """Keep the turn, and what it cites."""
        await super().keep(caller, conversation, question, answer)
        keep = partial(self.sources.keep, caller, conversation, question, answer.answer, answer.citations)
        await to_thread.run_sync(keep)


def noticed(reply: Reply) -> Reply:
    """The reply whose answer carries the product's notice."""
    return replace(reply, answer=NoticedAnswer.model_construct(**vars(reply.answer), notice=chosen().notice))


def open_rooms(platform: Platform) -> Rooms:
    """The rooms on an organisation's platform; `Tenants.room` keeps them as long as the platform."""
    sources = Sources(platform.catalog.engine, platform.settings.answering.keep_days)
    return Rooms(platform, Library(platform), open_answering(platform, chosen().prompt), sources)


@dataclass(frozen=True)
class Workspace:
    """One organisation's rooms, and who uses them now."""

    access: Access
    rooms: Rooms
    usage: Usage
    intake: DocumentIntake
    tenants: Tenants

    @property
    def platform(self) -> Platform:
        """The platform that reaches this organisation's data alone."""
        return self.rooms.platform

    @property
    def library(self) -> Library:
        """The organisation's documents."""
        return self.rooms.library

    @property
    def answering(self) -> Answering:
        """The organisation's chat."""
        return self.rooms.answering

    @property
    def assistant(self) -> Assistant:
        """Who answers."""
        return self.rooms.answering.assistant

    @property
    def asker(self) -> str:
        """The caller as the rooms know one: 16 hexadecimal digits, the same for the same caller."""
        return asker_of(self.access.caller)

    def room(self, make: Callable[[Platform], Room]) -> Room:
        """What `make` makes of the organisation's platform, made once while it is open."""
        return self.tenants.room(self.access.scope.organisation, make)

    @asynccontextmanager
    async def question(self) -> AsyncIterator[None]:
        """Around one result that a model writes: it counts as a question, unless no model answers.

        Raises:
            QuotaReached: the plan has no question left; the block is not entered.
        """
        key = await self.take_question()
        try:
            yield
        except UNANSWERED:
            await self.give_back(key)
            raise

    async def take_question(self) -> str:
        """Count one question; return what gives it back.

        Raises:
            QuotaReached: the plan has none left.
        """
        key = new_id()
        await to_thread.run_sync(self.usage.take, self.access.scope, Kind.QUESTIONS, 1, key)
        return key

    async def give_back(self, key: str) -> None:
        """Count a question less."""
        await to_thread.run_sync(self.usage.give_back, self.access.scope, Kind.QUESTIONS, key)

    def paid(self, key: str) -> TenantAnswering:
        """The chat for the question that was counted under `key`."""
        give_back = partial(self.give_back, key)
        return TenantAnswering(**vars(self.answering), sources=self.rooms.sources, give_back=give_back)

    async def add(self, sources: Sequence[Source]) -> list[DocumentRecord]:
        """Keep documents inside the plan and have a worker read them: all of them, or none.

        Raises:
            QuotaReached: they do not fit into the plan.
        """
        return await to_thread.run_sync(self.intake.accept, self.access.scope, self.library, sources)

    async def remove(self, identifier: str) -> DocumentRecord:
        """Forget a document, which makes room in the plan.

        It makes room first: a process that is killed in between leaves a document, which can be deleted again.

        Raises:
            NotFound: no such document.
        """
        record = await to_thread.run_sync(self.library.catalog.document, identifier)
        await to_thread.run_sync(self.intake.release, self.access.scope, record)
        await self.library.remove(identifier)
        return record


def asker_of(caller: str) -> str:
    """16 hexadecimal digits for a caller such as `user:…`: as many as conversations and spending have room for."""
    return hashlib.sha256(caller.encode()).hexdigest()[:16]


def open_workspace(request: Request, access: Access) -> Workspace:
    """The workspace of the organisation that `access` is for; the first time after a while it opens a database."""
    state = request.app.state
    tenants: Tenants = state.tenants
    rooms = tenants.room(access.scope.organisation, open_rooms)
    tenants.close_later(rooms.answering.watcher)
    return Workspace(access, rooms, state.billing.usage, state.document_intake, tenants)


async def get_workspace(request: Request, access: AccessDep) -> Workspace:
    """The workspace of the organisation in the path."""
    return await to_thread.run_sync(open_workspace, request, access)


WorkspaceDep = Annotated[Workspace, Depends(get_workspace)]
