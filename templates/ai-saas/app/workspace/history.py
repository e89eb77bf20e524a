"""Conversations as their owner and those with a link see them: what was asked, answered and cited."""

from datetime import datetime

import sqlalchemy as sa
from pydantic import BaseModel

from app.answering.citations import Citation
from app.answering.conversations import turns
from app.workspace.flavour import chosen
from app.workspace.rooms import Rooms
from app.workspace.sources import turn_key

MOST_LISTED = 100


class CitedTurn(BaseModel):
    """A question, its answer in plain text with marks such as `[1]`, and what the marks stand for."""

    question: str
    answer: str
    citations: list[Citation]
    created_at: datetime


class CitedConversation(BaseModel):
    """All turns of one conversation, oldest first, called by its first question; `notice` stands below every answer."""

    id: str
    title: str
    notice: str
    turns: list[CitedTurn]

    def as_markdown(self) -> str:
        """The conversation as a document; quotes are marked as such, and nothing in it is markup of ours."""
        parts = [f"# {_line(self.title)}\n"]
        for each in self.turns:
            parts.append(f"## {_line(each.question)}\n\n{each.answer}\n")
            quotes = [f"{c.number}. {c.document}, {_line(c.locator)}: “{_line(c.quote)}”" for c in each.citations]
            parts.append("\n".join(quotes) + "\n" if quotes else "No source: the documents do not tell.\n")
        return "\n".join([*parts, f"*{self.notice}*\n"] if self.notice else parts)


class ConversationEntry(BaseModel):
    """One line of the history."""

    id: str
    title: str
    questions: int
    latest_at: datetime


def conversations_of(rooms: Rooms, asker: str) -> list[ConversationEntry]:
    """A caller's conversations, the latest first."""
    first, count, latest = sa.func.min(turns.c.id), sa.func.count(), sa.func.max(turns.c.created_at)
    grouped = sa.select(turns.c.conversation, first.label("first"), count.label("count"), latest.label("latest"))
    mine = grouped.where(turns.c.caller == asker).group_by(turns.c.conversation).subquery()
    columns = (turns.c.conversation, turns.c.question, mine.c.count, mine.c.latest)
    query = sa.select(*columns).join(mine, turns.c.id == mine.c.first).order_by(mine.c.latest.desc())
    with rooms.platform.catalog.engine.connect() as connection:
        rows = connection.execute(query.limit(MOST_LISTED)).all()
    return [
        ConversationEntry(id=identifier, title=title, questions=questions, latest_at=latest_at)
        for identifier, title, questions, latest_at in rows
    ]


def conversation_of(rooms: Rooms, asker: str, conversation: str) -> CitedConversation:
    """One conversation with its citations.

    Raises:
        NotFound: this caller has no such conversation.
    """
    kept = rooms.answering.conversations.all(asker, conversation)
    cited = rooms.sources.of(asker, conversation)
    told = [
        CitedTurn(
            question=turn.question,
            answer=turn.answer,
            citations=cited.get(turn_key(turn.question, turn.answer), []),
            created_at=turn.created_at,
        )
        for turn in kept
    ]
    return CitedConversation(id=conversation, title=kept[0].question, notice=chosen().notice, turns=told)


def forget(rooms: Rooms, asker: str, conversation: str) -> None:
    """Forget a conversation and its citations.

    Raises:
        NotFound: this caller has no such conversation.
    """
    rooms.answering.conversations.delete(asker, conversation)
    rooms.sources.delete(asker, conversation)


def _line(text: str) -> str:
    """A text on one line, so that it cannot begin a heading or a list of its own."""
    return " ".join(text.split())
