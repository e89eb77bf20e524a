"""Conversations: who asked what, and what was answered. A conversation belongs to the key that began it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.errors import NotFound
from app.llm.offline import estimated_tokens
from app.stores.database import Housekeeping, Moment, create_missing_tables, metadata

FORGET_SECONDS = 3600.0  # how often old turns are looked for
MOST_TURNS = 50  # more are never read back for one question, whatever the budget

turns = sa.Table(
    "conversation_turn",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("caller", sa.String(16), nullable=False),
    sa.Column("conversation", sa.String(64), nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("searched", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False, index=True),
    sa.Index("conversation_of_caller", "caller", "conversation", "id"),
)


@dataclass(frozen=True)
class Turn:
    """One question, the complete question that was searched for, and its answer."""

    question: str
    searched: str
    answer: str
    created_at: datetime

    @property
    def tokens(self) -> int:
        """About how many tokens a model needs to read it."""
        return estimated_tokens(len(self.searched) + len(self.answer))


class Conversations:
    """Keeps turns by caller and conversation; another caller's conversation of the same name is another one.

    A turn is forgotten `keep_days` after it was asked (0: never), at the start of the service or within an hour of it.
    """

    def __init__(self, engine: Engine, keep_days: int) -> None:
        create_missing_tables(engine)
        self._engine = engine
        self._keep = timedelta(days=keep_days)
        self._forgetting = Housekeeping(FORGET_SECONDS)
        self._forget_old()

    def add(self, caller: str, conversation: str, turn: Turn) -> None:
        """Append a turn; the first one begins the conversation."""
        self._forget_old()
        with self._engine.begin() as connection:
            connection.execute(turns.insert().values(caller=caller, conversation=conversation, **vars(turn)))

    def recent(self, caller: str, conversation: str, tokens: int) -> list[Turn]:
        """The latest turns that fit into `tokens` together, oldest first; none for a new conversation."""
        latest = self._select(caller, conversation, turns.c.id.desc(), MOST_TURNS)
        kept: list[Turn] = []
        for turn in latest:
            tokens -= turn.tokens
            if tokens < 0:
                break
            kept.insert(0, turn)
        return kept

    def all(self, caller: str, conversation: str) -> Sequence[Turn]:
        """Every turn, oldest first.

        Raises:
            NotFound: this caller has no such conversation.
        """
        found = self._select(caller, conversation, turns.c.id.asc(), None)
        if not found:
            raise _unknown(conversation)
        return found

    def delete(self, caller: str, conversation: str) -> None:
        """Forget a conversation.

        Raises:
            NotFound: this caller has no such conversation.
        """
        with self._engine.begin() as connection:
            if connection.execute(turns.delete().where(*_belongs(caller, conversation))).rowcount == 0:
                raise _unknown(conversation)

    def _forget_old(self) -> None:
        """Remove what is too old, when it is time to look again."""
        if self._keep and self._forgetting.due():
            with self._engine.begin() as connection:
                connection.execute(turns.delete().where(turns.c.created_at < datetime.now(UTC) - self._keep))

    def _select(
        self, caller: str, conversation: str, order: sa.UnaryExpression[int], limit: int | None
    ) -> Sequence[Turn]:
        columns = (turns.c.question, turns.c.searched, turns.c.answer, turns.c.created_at)
        query = sa.select(*columns).where(*_belongs(caller, conversation)).order_by(order).limit(limit)
        with self._engine.connect() as connection:
            return [Turn(*row) for row in connection.execute(query)]


def turn(question: str, searched: str, answer: str) -> Turn:
    """A turn that ends now."""
    return Turn(question, searched, answer, datetime.now(UTC))


def _belongs(caller: str, conversation: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return turns.c.caller == caller, turns.c.conversation == conversation


def _unknown(conversation: str) -> NotFound:
    return NotFound(f"There is no conversation {conversation!r}.", "It begins with the first question that names it.")
