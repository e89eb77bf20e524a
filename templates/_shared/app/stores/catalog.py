"""The relational side: documents with their state, feedback, and the keys to all of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.errors import NotFound
from app.stores.database import Moment, close_database, insert_or_update, metadata, open_database
from app.stores.keys import KeyStore


class DocumentStatus(StrEnum):
    """The life of a document: queued, taken up by a worker, then ready or failed."""

    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


documents = sa.Table(
    "document",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(500), nullable=False, index=True),  # unique, as the id is made of it
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("status", sa.Enum(DocumentStatus, native_enum=False, length=20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("trace_id", sa.String(32), nullable=False),
    sa.Column("rating", sa.Integer, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)


@dataclass(frozen=True)
class DocumentRecord:
    """One known document. `sha256` is of its bytes; `reason` says why it failed, or what is odd about a ready one."""

    id: str
    name: str
    sha256: str
    status: DocumentStatus
    reason: str
    chunks: int
    updated_at: datetime


def document_id(name: str) -> str:
    """The stable id of the document called `name`."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


class Catalog:
    """Small tables that the service reads by key; `keys` says who may."""

    def __init__(self, database: str | Engine) -> None:
        """Connect to a URL and create what is missing, or stand on a database that has the tables.

        Raises:
            ConfigurationError: the database cannot be reached.
        """
        self.engine = open_database(database) if isinstance(database, str) else database
        self.keys = KeyStore(self.engine)

    def record(
        self, name: str, sha256: str, status: DocumentStatus, *, reason: str = "", chunks: int = 0
    ) -> DocumentRecord:
        """Store the present state of the document called `name` and return it."""
        record = DocumentRecord(document_id(name), name, sha256, status, reason, chunks, datetime.now(UTC))
        self.save([record])
        return record

    def save(self, records: Sequence[DocumentRecord]) -> None:
        """Store records in place of earlier ones, all of them or none."""
        with self.engine.begin() as connection:
            for row in map(asdict, records):
                insert_or_update(connection, documents, row)

    def document(self, identifier: str) -> DocumentRecord:
        """The document with this id.

        Raises:
            NotFound: there is none.
        """
        record = self._find(identifier)
        if record is None:
            raise NotFound(f"There is no document {identifier!r}.", "GET /v1/documents lists what there is.")
        return record

    def known(self, name: str) -> DocumentRecord | None:
        """The document called `name`, if there is one."""
        return self._find(document_id(name))

    def _find(self, identifier: str) -> DocumentRecord | None:
        with self.engine.connect() as connection:
            row = connection.execute(documents.select().where(documents.c.id == identifier)).mappings().first()
        return _document(row) if row else None

    def documents(
        self, *, status: DocumentStatus | None = None, after: str = "", limit: int | None = None
    ) -> list[DocumentRecord]:
        """Documents by name: those of one `status`, the `limit` next ones whose names come after `after`, or all."""
        query = documents.select().where(documents.c.name > after).order_by(documents.c.name).limit(limit)
        if status:
            query = query.where(documents.c.status == status)
        with self.engine.connect() as connection:
            return [_document(row) for row in connection.execute(query).mappings()]

    def version(self) -> str:
        """Something that differs whenever a document came, changed or went."""
        query = sa.select(sa.func.count(), sa.func.max(documents.c.updated_at))
        with self.engine.connect() as connection:
            count, newest = connection.execute(query).one()
        return f"{count}/{newest}"

    def oldest_wait_seconds(self) -> float:
        """How long the document has waited that waits longest; 0 when none does."""
        query = sa.select(sa.func.min(documents.c.updated_at)).where(documents.c.status == DocumentStatus.QUEUED)
        with self.engine.connect() as connection:
            since = connection.execute(query).scalar()
        return (datetime.now(UTC) - since).total_seconds() if since else 0.0

    def forget(self, identifier: str) -> None:
        """Remove the document's record."""
        with self.engine.begin() as connection:
            connection.execute(documents.delete().where(documents.c.id == identifier))

    def add_feedback(self, trace_id: str, rating: int, comment: str) -> None:
        """Keep one reader's judgement of one answer."""
        values = {"trace_id": trace_id, "rating": rating, "comment": comment, "created_at": datetime.now(UTC)}
        with self.engine.begin() as connection:
            connection.execute(feedback.insert().values(**values))

    def ping(self) -> None:
        """Raise when the database cannot be reached."""
        with self.engine.connect() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        """Release all connections."""
        close_database(self.engine)


def _document(row: Mapping[Any, Any]) -> DocumentRecord:
    return DocumentRecord(**row)
