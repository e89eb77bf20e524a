"""Tickets of an organisation: what customers wrote, what was suggested, and what a person did with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.bootstrap import Platform
from app.errors import NotFound
from app.stores.database import Moment, create_missing_tables, metadata
from app.support.replies import Suggestion
from app.tenancy.scope import new_id


class TicketState(StrEnum):
    """The life of a ticket: a suggestion waits for a person, or a person must write; then it is answered."""

    SUGGESTED = "suggested"
    HANDED_OVER = "handed_over"
    ANSWERED = "answered"


STATE = sa.Enum(TicketState, native_enum=False, length=16, values_callable=lambda states: [s.value for s in states])
table = sa.Table(
    "ticket",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("customer", sa.String(200), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", STATE, nullable=False, index=True),
    sa.Column("suggestion", sa.Text, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False, index=True),
    sa.Column("updated_at", Moment, nullable=False),
)


@dataclass(frozen=True)
class Ticket:
    """One ticket. `reply` is what a person sent, `note` why it was handed over by hand."""

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


class Tickets:
    """Keeps the tickets of the organisation whose platform this is."""

    def __init__(self, platform: Platform) -> None:
        self._engine: Engine = platform.catalog.engine
        create_missing_tables(self._engine)

    def add(self, customer: str, subject: str, body: str, suggestion: Suggestion) -> Ticket:
        """Keep a new ticket with its suggestion."""
        now = datetime.now(UTC)
        state = TicketState.HANDED_OVER if suggestion.handover else TicketState.SUGGESTED
        ticket = Ticket(new_id(), customer, subject, body, state, suggestion, "", "", now, now)
        with self._engine.begin() as connection:
            row = {**vars(ticket), "suggestion": suggestion.model_dump_json()}
            connection.execute(table.insert().values(**row))
        return ticket

    def newest(self, state: TicketState | None = None, limit: int = 100) -> list[Ticket]:
        """The newest tickets first, all or those in one state."""
        query = table.select().order_by(table.c.created_at.desc(), table.c.id).limit(limit)
        if state:
            query = query.where(table.c.state == state)
        with self._engine.connect() as connection:
            return [_ticket(row) for row in connection.execute(query)]

    def find(self, identifier: str) -> Ticket:
        """One ticket.

        Raises:
            NotFound: there is none with this id.
        """
        with self._engine.connect() as connection:
            row = connection.execute(table.select().where(table.c.id == identifier)).first()
        if row is None:
            raise _unknown(identifier)
        return _ticket(row)

    def answer(self, identifier: str, reply: str) -> Ticket:
        """A person has sent this reply.

        Raises:
            NotFound: there is no such ticket.
        """
        return self._change(identifier, {"state": TicketState.ANSWERED, "reply": reply})

    def hand_over(self, identifier: str, note: str) -> Ticket:
        """A person says that a person must write.

        Raises:
            NotFound: there is no such ticket.
        """
        return self._change(identifier, {"state": TicketState.HANDED_OVER, "note": note})

    def delete(self, identifier: str) -> None:
        """Forget a ticket.

        Raises:
            NotFound: there is no such ticket.
        """
        with self._engine.begin() as connection:
            if connection.execute(table.delete().where(table.c.id == identifier)).rowcount == 0:
                raise _unknown(identifier)

    def _change(self, identifier: str, values: dict[str, object]) -> Ticket:
        with self._engine.begin() as connection:
            change = table.update().where(table.c.id == identifier).values(**values, updated_at=datetime.now(UTC))
            if connection.execute(change).rowcount == 0:
                raise _unknown(identifier)
        return self.find(identifier)


def _ticket(row: sa.Row[tuple[object, ...]]) -> Ticket:
    values = dict(row._mapping)
    names = Ticket.__dataclass_fields__
    kept = {name: values[name] for name in names if name != "suggestion"}
    return Ticket(**kept, suggestion=Suggestion.model_validate_json(values["suggestion"]))


def _unknown(identifier: str) -> NotFound:
    return NotFound(f"There is no ticket {identifier!r}.", "GET …/tickets lists what there is.")
