"""Which documents say the same? Equal ones are found by hash, nearly equal ones by MinHash.

Broder, "On the resemblance and containment of documents", 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive
Datasets", chapter 3. A signature keeps 63 minima over the hashed pairs of neighbouring word stems; the share of equal
minima of two signatures estimates their Jaccard similarity with a standard error of at most 0.063. Signatures that
share one of 21 bands of 3 minima are compared: at a similarity of 0.6 with a probability of 0.994.
"""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from app.language import stems
from app.stores.catalog import DocumentStatus, document_id, documents
from app.stores.database import metadata, same_key

NEAR = 0.6
BANDS = 21
MINIMA = 63
FACTORS, SUMMANDS = np.random.default_rng(1997).integers(1, 2**63, size=(2, MINIMA, 1), dtype=np.uint64) | 1
LIVE = (DocumentStatus.READY, DocumentStatus.PROCESSING)

contents = sa.Table(
    "document_content",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("document_id", sa.String(32), nullable=False, index=True),
)
signatures = sa.Table(
    "document_signature",
    metadata,
    sa.Column("document_id", sa.String(32), primary_key=True),
    sa.Column("minima", sa.LargeBinary, nullable=False),
)
bands = sa.Table(
    "document_band",
    metadata,
    sa.Column("value", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document_id", sa.String(32), primary_key=True, index=True),
)


@dataclass(frozen=True)
class Fingerprint:
    """What identifies a document's contents: the hashes of its bytes and of its clean text, and its minima if any."""

    hashes: tuple[str, str]
    minima: NDArray[np.uint32] | None


@dataclass(frozen=True)
class Twin:
    """Another document whose contents are the `same`, or resemble these with this estimated similarity."""

    name: str
    similarity: float
    same: bool = False

    def describe(self, name: str) -> str:
        """What to tell the owner of the document called `name`."""
        if self.same:
            return f"{name!r} is a duplicate of {self.name!r}. Delete that one first if this one is to stay."
        return f"{name!r} is about {self.similarity:.0%} the same as {self.name!r}. Is one of them out of date?"


def fingerprint(sha256: str, text: str) -> Fingerprint:
    """The fingerprint of a document; texts under ten words have no minima, for they resemble each other by chance."""
    words = stems(text)
    plain = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
    return Fingerprint((sha256, plain), minima(words) if len(words) >= 10 else None)


def minima(words: Sequence[str]) -> NDArray[np.uint32]:
    """The MinHash signature of the pairs in `words`, shape (MINIMA,)."""
    pairs = {zlib.crc32(" ".join(pair).encode()) for pair in pairwise(words)}
    hashes = np.fromiter(pairs, dtype=np.uint64, count=len(pairs))
    return np.min((hashes * FACTORS + SUMMANDS) >> np.uint64(32), axis=1).astype(np.uint32)


def similarity(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> float:
    """The estimated Jaccard similarity of two texts by their minima."""
    return float(np.mean(one == other))


class Fingerprints:
    """The fingerprints of all documents, in the catalog's database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, batch: Mapping[str, Fingerprint]) -> dict[str, Twin]:
        """Keep the fingerprints of documents by name; return, by name, the nearest other document of at least `NEAR`.

        Of a document whose contents another one has already, nothing is kept. Of several processes that claim the same
        contents at once, one succeeds.
        """
        twins: dict[str, Twin] = {}
        claimed: dict[str, str] = {}
        with self._engine.begin() as connection:
            _forget(connection, [document_id(name) for name in batch])
            for name, own in batch.items():
                identifier = document_id(name)
                if twin := _claim(connection, identifier, own, claimed):
                    twins[name] = twin
                if not (twin and twin.same):
                    claimed[identifier] = name
        return twins

    def forget(self, identifier: str) -> None:
        """Let others have the same contents as this document."""
        with self._engine.begin() as connection:
            _forget(connection, [identifier])


def _forget(connection: Connection, identifiers: Sequence[str]) -> None:
    for table in (contents, signatures, bands):
        connection.execute(table.delete().where(table.c.document_id.in_(identifiers)))


def _claim(connection: Connection, identifier: str, own: Fingerprint, claimed: Mapping[str, str]) -> Twin | None:
    """Claim for one document; `claimed` are the names by id of those that this transaction has claimed for already."""
    for content in sorted(set(own.hashes)):  # sorted, so that two processes do not wait for each other
        if owner := _owner_after_claim(connection, content, identifier, claimed):
            _forget(connection, [identifier])
            return Twin(owner, 1.0, same=True)
    return _remember_minima(connection, identifier, own.minima, claimed) if own.minima is not None else None


def _owner_after_claim(connection: Connection, content: str, identifier: str, claimed: Mapping[str, str]) -> str | None:
    """Claim one content hash; return the name of the document that already holds it, which must be live."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    live = sa.exists().where(documents.c.id == contents.c.document_id, documents.c.status.in_(LIVE))
    dead = ~live.correlate(contents) & contents.c.document_id.not_in(list(claimed))
    claim = insert(contents).values(sha256=content, document_id=identifier)
    claim = claim.on_conflict_do_update(
        **same_key(connection.dialect.name, contents), set_={"document_id": identifier}, where=dead
    )
    if connection.execute(claim).rowcount:
        return None
    owner = sa.select(contents.c.document_id, documents.c.name).outerjoin(
        documents, contents.c.document_id == documents.c.id
    )
    row = connection.execute(owner.where(contents.c.sha256 == content)).one()
    return claimed.get(row.document_id, row.name)


def _remember_minima(
    connection: Connection, identifier: str, own: NDArray[np.uint32], claimed: Mapping[str, str]
) -> Twin | None:
    """Store a signature; return the nearest document of at least `NEAR` that is ready or just claimed."""
    values = [_band(number, part) for number, part in enumerate(np.split(own, BANDS))]
    candidates = sa.select(bands.c.document_id).where(bands.c.value.in_(values))
    query = (
        sa.select(signatures.c.document_id, signatures.c.minima, documents.c.name)
        .outerjoin(documents, documents.c.id == signatures.c.document_id)
        .where(signatures.c.document_id.in_(candidates))
        .where((documents.c.status == DocumentStatus.READY) | signatures.c.document_id.in_(list(claimed)))
    )
    near = [
        Twin(claimed.get(other, name), similarity(own, np.frombuffer(stored, dtype=np.uint32)))
        for other, stored, name in connection.execute(query)
    ]
    connection.execute(signatures.insert().values(document_id=identifier, minima=own.tobytes()))
    connection.execute(bands.insert(), [{"value": value, "document_id": identifier} for value in set(values)])
    return max((t for t in near if t.similarity >= NEAR), key=lambda t: (t.similarity, t.name), default=None)


def _band(number: int, part: NDArray[np.uint32]) -> int:
    """A signed 64-bit number for three minima at their place in the signature."""
    digest = hashlib.blake2b(part.tobytes(), digest_size=8, salt=bytes([number])).digest()
    return int.from_bytes(digest, signed=True)
