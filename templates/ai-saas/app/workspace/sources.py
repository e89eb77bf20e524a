"""What an answer in a conversation was proven with: kept beside the turn, so that history shows the same citations."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.answering.citations import Citation
from app.answering.conversations import FORGET_SECONDS
from app.stores.database import Housekeeping, Moment, create_missing_tables, insert_or_update, metadata

sources = sa.Table(
    "turn_source",
    metadata,
    sa.Column("caller", sa.String(16), primary_key=True),
    sa.Column("conversation", sa.String(64), primary_key=True),
    sa.Column("turn", sa.String(64), primary_key=True),
    sa.Column("citations", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False, index=True),
)


class Sources:
    """Keeps citations by question and answer: the same ones in the same conversation have the same citations.

    They are forgotten with their turns: after `keep_days` (0: never).
    """

    def __init__(self, engine: Engine, keep_days: int) -> None:
        create_missing_tables(engine)
        self._engine = engine
        self._keep = timedelta(days=keep_days)
        self._forgetting = Housekeeping(FORGET_SECONDS)

    def keep(self, caller: str, conversation: str, question: str, answer: str, citations: Sequence[Citation]) -> None:
        """Remember what an answer cites."""
        text = json.dumps([citation.model_dump() for citation in citations], ensure_ascii=False)
        now = datetime.now(UTC)
        row = {"caller": caller, "conversation": conversation, "turn": turn_key(question, answer)}
        with self._engine.begin() as connection:
            if self._keep and self._forgetting.due():
                connection.execute(sources.delete().where(sources.c.created_at < now - self._keep))
            insert_or_update(connection, sources, {**row, "citations": text, "created_at": now})

    def of(self, caller: str, conversation: str) -> dict[str, list[Citation]]:
        """The citations of every turn of a conversation, by `turn_key`."""
        query = sa.select(sources.c.turn, sources.c.citations).where(*_belongs(caller, conversation))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {row.turn: [Citation.model_validate(each) for each in json.loads(row.citations)] for row in rows}

    def delete(self, caller: str, conversation: str) -> None:
        """Forget a conversation's citations."""
        with self._engine.begin() as connection:
            connection.execute(sources.delete().where(*_belongs(caller, conversation)))


def turn_key(question: str, answer: str) -> str:
    """What a turn's citations are found by: 64 hexadecimal digits."""
    return hashlib.sha256(f"{question}\0{answer}".encode()).hexdigest()


def _belongs(caller: str, conversation: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return sources.c.caller == caller, sources.c.conversation == conversation
