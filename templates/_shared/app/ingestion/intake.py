"""Documents that callers have sent and no worker has read yet: their bytes wait in the database.

A table and not a folder: every process and every machine of the service sees it, it changes together with the
document's state, and a name that somebody made up never becomes a path.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from app.stores.catalog import DocumentRecord, DocumentStatus, document_id, documents
from app.stores.database import Moment, metadata, same_key

uploads = sa.Table(
    "upload",
    metadata,
    sa.Column("document_id", sa.String(32), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("data", sa.LargeBinary),  # none any more once the document is ready or failed
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
)


@dataclass(frozen=True)
class Upload:
    """Bytes that a worker has taken up, for the `attempts`th time."""

    name: str
    sha256: str
    data: bytes
    attempts: int


class Intake:
    """The queue's payload: what each job is about. A later upload of the same document replaces an earlier one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known = partial(same_key, engine.dialect.name)
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def accept(self, name: str, data: bytes) -> bool:
        """Keep the bytes of a document and call it queued; False if just these are ready or at work already."""
        identifier, sha256, now = document_id(name), hashlib.sha256(data).hexdigest(), datetime.now(UTC)
        state = {"sha256": sha256, "status": DocumentStatus.QUEUED, "reason": "", "chunks": 0, "updated_at": now}
        anew = (documents.c.sha256 != sha256) | documents.c.status.in_((DocumentStatus.FAILED, DocumentStatus.QUEUED))
        announce = self._insert(documents).values(id=identifier, name=name, **state)
        upload = {"sha256": sha256, "data": data, "attempts": 0, "received_at": now}
        keep = self._insert(uploads).values(document_id=identifier, **upload)
        with self._engine.begin() as connection:
            announced = announce.on_conflict_do_update(**self._known(documents), set_=state, where=anew)
            if connection.execute(announced).rowcount == 0:
                return False
            connection.execute(keep.on_conflict_do_update(**self._known(uploads), set_=upload))
        return True

    def take(self, identifier: str) -> Upload | None:
        """Take up the bytes that wait for this document and call it processing; None when nothing waits."""
        mine = uploads.c.document_id == identifier
        started = uploads.update().where(mine, uploads.c.data.is_not(None))
        with self._engine.begin() as connection:
            if connection.execute(started.values(attempts=uploads.c.attempts + 1)).rowcount == 0:
                return None
            working = documents.update().where(documents.c.id == identifier)
            connection.execute(working.values(status=DocumentStatus.PROCESSING, updated_at=datetime.now(UTC)))
            query = sa.select(documents.c.name, uploads.c.sha256, uploads.c.data, uploads.c.attempts)
            row = connection.execute(query.join(uploads, uploads.c.document_id == documents.c.id).where(mine)).one()
        return Upload(*row)

    def settle(self, record: DocumentRecord) -> bool:
        """Store the outcome and drop the bytes, unless newer ones have come; False if the document is forgotten."""
        values = {"status": record.status, "reason": record.reason, "chunks": record.chunks}
        current = documents.update().where(documents.c.id == record.id, documents.c.sha256 == record.sha256)
        done = uploads.update().where(uploads.c.document_id == record.id, uploads.c.sha256 == record.sha256)
        with self._engine.begin() as connection:
            connection.execute(current.values(**values, updated_at=record.updated_at))
            connection.execute(done.values(data=None))
            known = sa.select(sa.exists().where(documents.c.id == record.id))
            return bool(connection.execute(known).scalar())

    def waiting(self) -> list[str]:
        """The ids of all documents whose bytes wait, oldest first."""
        query = sa.select(uploads.c.document_id).where(uploads.c.data.is_not(None)).order_by(uploads.c.received_at)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def attempts(self, identifiers: Iterable[str]) -> dict[str, int]:
        """How often workers took up each of these documents; those from the command line are missing."""
        query = sa.select(uploads.c.document_id, uploads.c.attempts)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(uploads.c.document_id.in_(list(identifiers))))
            return {row.document_id: row.attempts for row in rows}

    def forget(self, identifier: str) -> None:
        """Drop what waits for this document and its record."""
        with self._engine.begin() as connection:
            connection.execute(uploads.delete().where(uploads.c.document_id == identifier))
            connection.execute(documents.delete().where(documents.c.id == identifier))
