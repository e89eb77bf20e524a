"""The embedded search index: SQLite FTS5 for words, numpy for vectors. No server, several processes."""

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import ConfigurationError
from app.language import stems
from app.stores.database import BUSY_SECONDS, use_write_ahead_log
from app.stores.ports import EVERYWHERE, Chunk, Hit, WordStatistics, encode_tags

READ_BLOCK = 1_000  # vectors read at once
TABLES = (
    "CREATE TABLE IF NOT EXISTS index_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS chunk (
        id INTEGER PRIMARY KEY,
        document TEXT NOT NULL,
        position INTEGER NOT NULL,
        text TEXT NOT NULL,
        locator TEXT NOT NULL,
        start INTEGER NOT NULL,
        tags TEXT NOT NULL,
        vector BLOB NOT NULL,
        UNIQUE (document, position)
    )""",
    "CREATE INDEX IF NOT EXISTS chunk_tags ON chunk (tags)",
    """CREATE VIRTUAL TABLE IF NOT EXISTS chunk_words
        USING fts5(body, heading, tokenize = "unicode61 remove_diacritics 0")""",
    "CREATE VIRTUAL TABLE IF NOT EXISTS chunk_vocabulary USING fts5vocab(chunk_words, row)",
    "INSERT OR IGNORE INTO index_meta VALUES ('revision', '0')",
    "INSERT OR IGNORE INTO index_meta SELECT 'last_id', coalesce(max(id), 0) FROM chunk",
)
INSERT = (
    "INSERT INTO chunk (id, document, position, text, locator, start, tags, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
# An id is never given twice, so that a row with an id above all known ones is new.
LAST_ID = """
SELECT max(CAST(value AS INTEGER), coalesce((SELECT max(id) FROM chunk), 0)) FROM index_meta WHERE name = 'last_id'
"""
READ = "SELECT id, document, position, text, locator, start, tags FROM chunk WHERE id IN ({marks})"
PASSAGES = "SELECT document, position, text, locator, start, tags FROM chunk WHERE document = ? ORDER BY position"
# The best are chosen before their texts are fetched: a common word matches far more passages than are asked for.
WORD_SEARCH = """
WITH best AS (
    SELECT rowid AS id, -bm25(chunk_words, 1.0, 0.6) AS score FROM chunk_words
    WHERE chunk_words MATCH ? {only} ORDER BY score DESC, rowid LIMIT ?
)
SELECT document, position, text, locator, start, tags, score FROM best JOIN chunk USING (id) ORDER BY score DESC, id
"""


class SQLiteIndex:
    """A `SearchIndex` in one file. BM25 runs over the stems of `app.language`, so every store finds alike."""

    def __init__(self, path: Path, embedding: str, dimensions: int) -> None:
        """Open or create the index.

        Raises:
            ConfigurationError: the file cannot be opened, or was built with another embedding.
        """
        self._lock = threading.Lock()
        self._connection = _open(path)
        weakref.finalize(self, self._connection.close)  # whoever opens many need not know when the last user has gone
        self._vectors = VectorCache(dimensions)
        self._claim_embedding(f"{embedding}/{dimensions}", path)

    def upsert(self, document: str, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        with self._write() as connection:
            (last,) = connection.execute(LAST_ID).fetchone()
            _remove(connection, document)
            for row_id, (chunk, vector) in enumerate(zip(chunks, vectors, strict=True), start=last + 1):
                _insert(connection, row_id, chunk, vector)
            connection.execute("UPDATE index_meta SET value = ? WHERE name = 'last_id'", (last + len(chunks),))

    def delete(self, document: str) -> None:
        with self._write() as connection:
            _remove(connection, document)

    def search_words(self, words: Sequence[str], limit: int, where: Mapping[str, str] = EVERYWHERE) -> list[Hit]:
        if not words:
            return []
        query = " OR ".join(f'"{word}"' for word in dict.fromkeys(words))
        tags = encode_tags(where.items())
        only = f"AND rowid IN ({_tagged(tags)})" if tags else ""
        with self._lock:
            rows = self._connection.execute(WORD_SEARCH.format(only=only), (query, *tags, limit)).fetchall()
        return [Hit(_chunk(row[:-1]), row[-1]) for row in rows]

    def search_vector(
        self, vector: NDArray[np.float32], limit: int, where: Mapping[str, str] = EVERYWHERE
    ) -> list[Hit]:
        tags = encode_tags(where.items())
        with self._lock, self._connection:
            self._connection.execute("BEGIN")  # one snapshot: another process may replace the chunks meanwhile
            ids, matrix = self._vectors.current(self._connection)
            if tags:
                found = self._connection.execute(_tagged(tags), tags).fetchall()
                rows = np.searchsorted(ids, np.array(sorted(row[0] for row in found), dtype=np.int64))
                ids, matrix = ids[rows], matrix[rows]
            scores = np.vecdot(matrix, vector)  # unlike `@` it starts no threads, which would fight with other requests
            best = _largest(scores, limit)
            chunks = self._read(ids[best].tolist())
        return [Hit(chunk, float(scores[i])) for chunk, i in zip(chunks, best, strict=True)]

    def passages(self, document: str) -> list[Chunk]:
        with self._lock:
            rows = self._connection.execute(PASSAGES, (document,)).fetchall()
        return [_chunk(row) for row in rows]

    def word_statistics(self, words: Sequence[str]) -> WordStatistics:
        marks = ",".join("?" * len(words))
        with self._lock:
            (count,) = self._connection.execute("SELECT count(*) FROM chunk").fetchone()
            rows = self._connection.execute(
                f"SELECT term, doc FROM chunk_vocabulary WHERE term IN ({marks})",  # noqa: S608 - only marks
                list(words),
            ).fetchall()
        return WordStatistics(count, dict(rows))

    def ping(self) -> None:
        with self._lock:
            self._connection.execute("SELECT 1 FROM chunk LIMIT 1").fetchone()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that also moves the revision on, so that other processes read what is new."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("UPDATE index_meta SET value = value + 1 WHERE name = 'revision'")

    def _read(self, ids: Sequence[int]) -> list[Chunk]:
        statement = READ.format(marks=",".join("?" * len(ids)))
        chunks = {row[0]: _chunk(row[1:]) for row in self._connection.execute(statement, ids)}
        return [chunks[row_id] for row_id in ids]

    def _claim_embedding(self, embedding: str, path: Path) -> None:
        with self._lock, self._connection:
            self._connection.execute("INSERT OR IGNORE INTO index_meta VALUES ('embedding', ?)", (embedding,))
            (stored,) = self._connection.execute("SELECT value FROM index_meta WHERE name = 'embedding'").fetchone()
        if stored != embedding:
            self.close()
            raise ConfigurationError(
                f"The index {str(path)!r} was built with embedding {stored!r}, the settings ask for {embedding!r}.",
                "Set APP_EMBEDDING__MODEL and __DIMENSIONS back, or delete the file and ingest again.",
            )


class VectorCache:
    """The vectors of all passages in memory. After a change only the new ones are read."""

    def __init__(self, dimensions: int) -> None:
        self._revision = ""
        self._size = 0  # rows in use; the arrays may be longer
        self._ids = np.empty(0, dtype=np.int64)
        self._matrix = np.empty((0, dimensions), dtype=np.float32)

    def current(self, connection: sqlite3.Connection) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids in ascending order and their vectors, shape (n, dimensions), as the connection sees them now."""
        (revision,) = connection.execute("SELECT value FROM index_meta WHERE name = 'revision'").fetchone()
        if revision != self._revision:
            (stored,) = connection.execute("SELECT count(*) FROM chunk").fetchone()
            self._append_new(connection, stored)
            if self._size != stored:
                self._drop_deleted(connection)
            self._revision = revision
        return self._ids[: self._size], self._matrix[: self._size]

    def _append_new(self, connection: sqlite3.Connection, stored: int) -> None:
        last = int(self._ids[self._size - 1]) if self._size else 0
        rows = connection.execute("SELECT id, vector FROM chunk WHERE id > ? ORDER BY id", (last,))
        while block := rows.fetchmany(READ_BLOCK):
            end = self._size + len(block)
            if end > len(self._ids):
                self._grow(max(end, stored, self._size * 5 // 4))
            self._ids[self._size : end] = [row[0] for row in block]
            vectors = np.frombuffer(b"".join(row[1] for row in block), dtype=np.float32)
            self._matrix[self._size : end] = vectors.reshape(len(block), -1)
            self._size = end

    def _drop_deleted(self, connection: sqlite3.Connection) -> None:
        stored = np.array(connection.execute("SELECT id FROM chunk").fetchall(), dtype=np.int64)
        keep = np.flatnonzero(np.isin(self._ids[: self._size], stored))
        self._ids[: len(keep)], self._matrix[: len(keep)] = self._ids[keep], self._matrix[keep]
        self._size = len(keep)

    def _grow(self, rows: int) -> None:
        ids, matrix = self._ids, self._matrix
        self._ids, self._matrix = np.empty(rows, dtype=np.int64), np.empty((rows, matrix.shape[1]), dtype=np.float32)
        self._ids[: self._size], self._matrix[: self._size] = ids[: self._size], matrix[: self._size]


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        use_write_ahead_log(connection)
        _create_tables(connection)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(
            f"The index {str(path)!r} cannot be opened: {error}.", "Check APP_STORE__URL and the folder's permissions."
        ) from None
    return connection


def _create_tables(connection: sqlite3.Connection) -> None:
    """Create what is missing, one process at a time."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in TABLES:
            connection.execute(statement)


def _remove(connection: sqlite3.Connection, document: str) -> None:
    connection.execute("DELETE FROM chunk_words WHERE rowid IN (SELECT id FROM chunk WHERE document = ?)", (document,))
    connection.execute("DELETE FROM chunk WHERE document = ?", (document,))


def _insert(connection: sqlite3.Connection, row_id: int, chunk: Chunk, vector: NDArray[np.float32]) -> None:
    connection.execute(INSERT, (row_id, *_values(chunk), vector.astype(np.float32).tobytes()))
    connection.execute(
        "INSERT INTO chunk_words (rowid, body, heading) VALUES (?, ?, ?)",
        (row_id, " ".join(stems(chunk.text)), " ".join(stems(chunk.heading))),
    )


def _largest(scores: NDArray[np.float32], limit: int) -> list[int]:
    """Positions of the `limit` largest scores, best first; ties keep the older row first."""
    if len(scores) == 0:
        return []
    candidates = np.argpartition(-scores, min(limit, len(scores)) - 1)[:limit]
    return sorted((int(i) for i in candidates), key=lambda i: (-scores[i], i))


def _tagged(tags: Sequence[str]) -> str:
    """The query for the ids of the passages with all `tags`; their texts are its parameters.

    A tag is found as text: in JSON no string holds a plain quote, so `["a", "b"]` is nowhere but where it is meant.
    """
    return "SELECT id FROM chunk WHERE " + " AND ".join("instr(tags, ?)" for _ in tags)  # noqa: S608 - only marks


def _values(chunk: Chunk) -> tuple[object, ...]:
    """A chunk as a row, without its vector."""
    tags = f"[{', '.join(encode_tags(chunk.tags))}]"
    return chunk.document, chunk.position, chunk.text, chunk.locator, chunk.start, tags


def _chunk(row: Sequence[Any]) -> Chunk:
    """What `_values` made into a row."""
    document, position, text, locator, start, tags = row
    return Chunk(document, position, text, locator, start, _tags(tags))


@lru_cache(maxsize=4096)
def _tags(text: str) -> tuple[tuple[str, str], ...]:
    """All passages of a document have the same ones."""
    return tuple((name, value) for name, value in json.loads(text))
