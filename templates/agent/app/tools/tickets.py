"""`list_tickets`: what customers wrote, from a file of one JSON object per line."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from anyio import to_thread
from pydantic import BaseModel, Field

from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed

MAX_SHOWN = 50

Status = Literal["open", "pending", "closed"]


class Ticket(BaseModel, extra="forbid"):
    """One customer's request."""

    id: str
    opened: date
    status: Status
    customer: str
    subject: str
    text: str


class Selection(BaseModel, extra="forbid"):
    """Which tickets to list."""

    status: Status | None = Field(None, description="only these; all of them without it")
    since: date | None = Field(None, description="opened on this day or later, as YYYY-MM-DD")
    order: Literal["newest", "oldest"] = Field("newest", description="which ones come first")
    most: int = Field(MAX_SHOWN, ge=1, le=MAX_SHOWN, description="how many to list; all of them are counted")


class TicketList:
    """Reads the file at every call, so that a new one counts at once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def tool(self) -> Tool:
        """The tool. What customers write is never trusted."""
        return Tool(
            "list_tickets",
            "List customers' tickets, the newest or the oldest first, and count them by status.",
            Permission.READ,
            Selection,
            self.select,
            attempts=2,
            trusted=False,
        )

    async def select(self, selection: Selection, context: ToolContext) -> Outcome:
        """A line of counts, then each ticket on a line."""
        tickets = [t for t in await to_thread.run_sync(self._read) if _selected(t, selection)]
        tickets.sort(key=lambda ticket: (ticket.opened, ticket.id), reverse=selection.order == "newest")
        listed = tickets[: selection.most]
        lines = [_counted(tickets, selection, len(listed))]
        lines += [f"{t.id} {t.opened} {t.status}, {t.customer}: {t.subject}. {t.text}" for t in listed]
        return Outcome("\n".join(lines))

    def _read(self) -> list[Ticket]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
            return [Ticket.model_validate_json(line) for line in lines if line.strip()]
        except (OSError, ValueError) as error:
            raise ToolFailed(f"The tickets in {self._file.name} cannot be read: {type(error).__name__}.") from None


def _counted(tickets: Sequence[Ticket], selection: Selection, listed: int) -> str:
    """How many tickets there are, by status unless one was asked for, and which part of them is listed."""
    status = f"{selection.status} " if selection.status else ""
    total = f"{len(tickets)} {status}ticket{'' if len(tickets) == 1 else 's'}"
    by_status = sorted(Counter(ticket.status for ticket in tickets).items())
    counts = "" if status or not tickets else f": {', '.join(f'{n} {name}' for name, n in by_status)}"
    part = f"; the {listed} {selection.order}" if listed < len(tickets) else ""
    return f"{total}{counts}{part}."


def _selected(ticket: Ticket, selection: Selection) -> bool:
    return selection.status in (None, ticket.status) and (selection.since is None or ticket.opened >= selection.since)
