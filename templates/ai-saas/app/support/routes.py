"""HTTP calls on tickets: one comes in and gets a suggestion; a person answers, hands over or deletes it."""

from datetime import datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.dependencies import PRINTABLE
from app.organisations.access import require_role
from app.scopes import Scope
from app.support.replies import Suggestion, suggest
from app.support.tickets import Ticket, Tickets, TicketState
from app.tenancy.scope import Role
from app.workspace.rooms import Workspace, WorkspaceDep

router = APIRouter(prefix="/tickets", tags=["tickets"])
READERS = Depends(require_role(Role.VIEWER, Scope.ASK))
WRITERS = Depends(require_role(Role.MEMBER, Scope.ASK))

Line = Annotated[str, Field(min_length=1, max_length=300, pattern=PRINTABLE)]
Message = Annotated[str, Field(min_length=1, max_length=10_000, pattern=PRINTABLE)]


class NewTicket(BaseModel):
    """What a customer wrote; `customer` is how the team knows them, such as an e-mail address."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[Line, Field(examples=["Parcel not here yet"])]
    body: Annotated[Message, Field(examples=["I ordered nine days ago. When will my garden arrive?"])]
    customer: Annotated[str, Field(max_length=200, pattern=PRINTABLE)] = ""


class Reply(BaseModel):
    """What a person sent to the customer."""

    model_config = ConfigDict(extra="forbid")

    text: Message


class Note(BaseModel):
    """Why a person must write."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=2000, pattern=PRINTABLE)] = ""


class TicketView(BaseModel):
    """A ticket with its suggestion, what a person replied, and a note where one handed it over."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    customer: str
    subject: str
    body: str
    state: TicketState
    suggestion: Suggestion
    reply: str
    note: str
    created_at: datetime
    updated_at: datetime


@router.post("", status_code=201, dependencies=[WRITERS])
async def add_ticket(ticket: NewTicket, workspace: WorkspaceDep) -> TicketView:
    """Take a ticket and suggest a reply from the help centre, or hand it over; it counts as one question."""
    return TicketView.model_validate(await receive(workspace, ticket.customer, ticket.subject, ticket.body))


@router.get("", dependencies=[READERS])
async def list_tickets(
    workspace: WorkspaceDep,
    state: Annotated[TicketState | None, Query(description="only tickets in this state")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[TicketView]:
    """Tickets, the newest first."""
    tickets = await to_thread.run_sync(workspace.room, Tickets)
    found = await to_thread.run_sync(tickets.newest, state, limit)
    return [TicketView.model_validate(ticket) for ticket in found]


@router.get("/{ticket}", dependencies=[READERS])
async def get_ticket(ticket: str, workspace: WorkspaceDep) -> TicketView:
    """One ticket."""
    tickets = await to_thread.run_sync(workspace.room, Tickets)
    return TicketView.model_validate(await to_thread.run_sync(tickets.find, ticket))


@router.post("/{ticket}/answer", dependencies=[WRITERS])
async def answer_ticket(ticket: str, reply: Reply, workspace: WorkspaceDep) -> TicketView:
    """Note down what a person sent."""
    tickets = await to_thread.run_sync(workspace.room, Tickets)
    return TicketView.model_validate(await to_thread.run_sync(tickets.answer, ticket, reply.text))


@router.post("/{ticket}/handover", dependencies=[WRITERS])
async def hand_over_ticket(ticket: str, note: Note, workspace: WorkspaceDep) -> TicketView:
    """Have a person write, whatever was suggested."""
    tickets = await to_thread.run_sync(workspace.room, Tickets)
    return TicketView.model_validate(await to_thread.run_sync(tickets.hand_over, ticket, note.note))


@router.delete("/{ticket}", status_code=204, dependencies=[WRITERS])
async def delete_ticket(ticket: str, workspace: WorkspaceDep) -> None:
    """Forget a ticket."""
    tickets = await to_thread.run_sync(workspace.room, Tickets)
    await to_thread.run_sync(tickets.delete, ticket)


async def receive(workspace: Workspace, customer: str, subject: str, body: str) -> Ticket:
    """Keep a new ticket with a suggestion that counts as one question.

    Raises:
        QuotaReached: the plan has no question left; the ticket is not kept.
    """
    async with workspace.question():
        suggested = await suggest(workspace.platform, subject, body, workspace.asker)
    tickets = await to_thread.run_sync(workspace.room, Tickets)
    return await to_thread.run_sync(tickets.add, customer, subject, body, suggested.suggestion)
