"""Long-term memory: facts and preferences of one owner, found by meaning, each with its origin."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from anyio import to_thread
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from app.errors import InvalidInput, NotFound
from app.memory.vectors import VectorShelf
from app.observability.redaction import SECRET
from app.stores.database import Moment, metadata

if TYPE_CHECKING:
    from app.bootstrap import Platform

LONGEST = 1000  # characters of one memory
LEAST_SCORE = 0.2  # cosine below which a memory has nothing to do with the question
SEARCHED = 500  # nearest memories among which those of one kind are looked for


class Kind(StrEnum):
    """What is kept: something that is so, or something that the owner wants to be so."""

    FACT = "fact"
    PREFERENCE = "preference"


memories = sa.Table(
    "memory",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True),  # a changed memory gets a new one, so that every process notices
    sa.Column("id", sa.String(16), nullable=False, unique=True),
    sa.Column("owner", sa.String(100), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("run", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("embedding", sa.String(200), nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("owner", "sha256"),
    sa.Index("memory_owner", "owner", "embedding", "row"),
    sqlite_autoincrement=True,
)
SHOWN = [memories.c[name] for name in ("id", "text", "kind", "run", "created_at", "updated_at")]


@dataclass(frozen=True)
class Memory:
    """One memory. `run` is the run that kept it, empty where the owner wrote it; `score` only after a search."""

    id: str
    text: str
    kind: Kind
    run: str
    created_at: datetime
    updated_at: datetime
    score: float | None = None


class Memories:
    """What owners let the agent keep. Every call is for one owner and sees nothing of any other."""

    def __init__(self, platform: "Platform") -> None:
        settings = platform.settings.embedding
        self._engine = platform.catalog.engine
        self._embedder = platform.embedder
        self._embedding = f"{settings.model}/{settings.dimensions}"
        self._shelf = VectorShelf(memories, self._embedding, settings.dimensions)
        self._renewed: set[str] = set()  # owners whose memories were looked through in this process

    async def remember(self, owner: str, text: str, kind: Kind, run: str = "") -> Memory:
        """Keep a text without its secrets; one that is known already is returned as it was kept.

        Raises:
            InvalidInput: an empty or too long text.
        """
        now = datetime.now(UTC)
        new = Memory(secrets.token_hex(8), _clean(text), kind, run, now, now)
        (vector,) = await self._embedder.embed([new.text], "document")
        return await to_thread.run_sync(self._insert, owner, new, vector)

    async def recall(self, owner: str, question: str, limit: int = 5, kind: Kind | None = None) -> list[Memory]:
        """The owner's memories that have to do with the question, best first."""
        if owner not in self._renewed:
            await self._renew(owner)
            self._renewed.add(owner)
        (vector,) = await self._embedder.embed([question], "query")
        return await to_thread.run_sync(self._search, owner, vector, limit, kind)

    async def edit(self, owner: str, identifier: str, text: str, kind: Kind | None = None) -> Memory:
        """Give a memory another text.

        Raises:
            NotFound: the owner has no such memory.
            InvalidInput: an empty or too long text, or one that another memory has.
        """
        clean = _clean(text)
        (vector,) = await self._embedder.embed([clean], "document")
        return await to_thread.run_sync(self._replace, owner, identifier, clean, kind, vector)

    def listed(self, owner: str, kind: Kind | None = None, limit: int = 100) -> list[Memory]:
        """The newest memories of the owner."""
        with self._engine.connect() as connection:
            return _read(connection, *_mine(owner, kind), limit=limit)

    def forget(self, owner: str, identifier: str) -> None:
        """Remove a memory for good.

        Raises:
            NotFound: the owner has no such memory.
        """
        with self._engine.begin() as connection:
            _found(connection, owner, identifier)
            connection.execute(memories.delete().where(memories.c.id == identifier))

    def _insert(self, owner: str, new: Memory, vector: NDArray[np.float32]) -> Memory:
        try:
            with self._engine.begin() as connection:
                self._write(connection, owner, new, vector)
        except sa.exc.IntegrityError:
            with self._engine.connect() as connection:
                return _read(connection, *_mine(owner), memories.c.sha256 == _digest(new.text))[0]
        return new

    def _replace(
        self, owner: str, identifier: str, text: str, kind: Kind | None, vector: NDArray[np.float32]
    ) -> Memory:
        try:
            with self._engine.begin() as connection:
                old = _found(connection, owner, identifier)
                changed = replace(old, text=text, kind=kind or old.kind, updated_at=datetime.now(UTC))
                self._write(connection, owner, changed, vector)
        except sa.exc.IntegrityError:
            raise InvalidInput("Another memory says the same.", "Forget one of the two.") from None
        return changed

    def _search(self, owner: str, vector: NDArray[np.float32], limit: int, kind: Kind | None) -> list[Memory]:
        with self._engine.connect() as connection:
            nearest = self._shelf.nearest(connection, owner, vector, SEARCHED if kind else limit)
            scores = {row: score for row, score in nearest if score >= LEAST_SCORE}
            query = sa.select(memories.c.row, *SHOWN).where(*_mine(owner, kind), memories.c.row.in_(scores))
            rows = {row[0]: row[1:] for row in connection.execute(query)}
        return [_memory(rows[row], round(score, 4)) for row, score in scores.items() if row in rows][:limit]

    async def _renew(self, owner: str) -> None:
        """Embed again what was kept under another embedding model."""

        def outdated() -> list[Memory]:
            with self._engine.connect() as connection:
                return _read(connection, *_mine(owner), memories.c.embedding != self._embedding)

        def write(old: Sequence[Memory], fresh: NDArray[np.float32]) -> None:
            with self._engine.begin() as connection:
                for memory, vector in zip(old, fresh, strict=True):
                    self._write(connection, owner, memory, vector)

        if old := await to_thread.run_sync(outdated):
            await to_thread.run_sync(write, old, await self._embedder.embed([m.text for m in old], "document"))

    def _write(self, connection: Connection, owner: str, memory: Memory, vector: NDArray[np.float32]) -> None:
        """Store a memory in place of the one with its id."""
        values = {name: value for name, value in asdict(memory).items() if name != "score"}
        connection.execute(memories.delete().where(memories.c.id == memory.id))
        kept = {"owner": owner, "sha256": _digest(memory.text), "embedding": self._embedding}
        connection.execute(memories.insert().values(**values, **kept, vector=vector.astype(np.float32).tobytes()))


def _clean(text: str) -> str:
    """Plain text on one line, without secrets.

    Raises:
        InvalidInput: nothing is left, or too much.
    """
    clean = " ".join(SECRET.sub("[secret]", text.replace("\0", " ")).split())
    if not 0 < len(clean) <= LONGEST:
        raise InvalidInput(f"A memory has 1 to {LONGEST} characters, this one {len(clean)}.", "Say it in a sentence.")
    return clean


def _found(connection: Connection, owner: str, identifier: str) -> Memory:
    found = _read(connection, *_mine(owner), memories.c.id == identifier)
    if not found:
        raise NotFound(f"There is no memory {identifier!r}.", "GET /v1/memories lists yours.")
    return found[0]


def _mine(owner: str, kind: Kind | None = None) -> list[sa.ColumnElement[bool]]:
    return [memories.c.owner == owner, *([memories.c.kind == kind.value] if kind else [])]


def _read(connection: Connection, *where: sa.ColumnElement[bool], limit: int | None = None) -> list[Memory]:
    """The memories for which all of `where` holds, the newest first."""
    query = sa.select(*SHOWN).where(*where).order_by(memories.c.updated_at.desc(), memories.c.id).limit(limit)
    return [_memory(row) for row in connection.execute(query)]


def _memory(row: Sequence[Any], score: float | None = None) -> Memory:
    identifier, text, kind, *rest = row
    return Memory(identifier, text, Kind(kind), *rest, score=score)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
