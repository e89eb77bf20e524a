"""The search index on a server: PostgreSQL with pgvector. BM25 over a table of postings, HNSW for vectors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector.psycopg import register_vector
from psycopg.sql import SQL, Composed
from psycopg_pool import ConnectionPool

from app.errors import ConfigurationError
from app.language import stems
from app.stores.bm25 import count_words
from app.stores.database import CONNECT_SECONDS, first_line
from app.stores.ports import EVERYWHERE, Chunk, Hit, WordStatistics, decode_tags, encode_tags

SCHEMA_LOCK = 7_021_969_001  # any number that nothing else in the database locks
LONGEST_WORD = 200  # in characters; an index entry of PostgreSQL holds 2,700 bytes

# `posting` is an inverted index: how often a word stands in a chunk of `length` words, counted as in app.stores.bm25.
# Everything hangs on `indexed_document`, so that one deleted row takes its chunks and postings along.
SCHEMA = """
CREATE TABLE index_meta (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE indexed_document (name text PRIMARY KEY, chunks integer NOT NULL, words bigint NOT NULL);
CREATE TABLE chunk (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document text NOT NULL REFERENCES indexed_document ON DELETE CASCADE,
    position integer NOT NULL, text text NOT NULL, locator text NOT NULL,
    start integer NOT NULL, tags text[] NOT NULL,
    vector vector({dimensions}) NOT NULL, UNIQUE (document, position)
);
CREATE INDEX chunk_vector ON chunk USING hnsw (vector vector_ip_ops);
CREATE INDEX chunk_tags ON chunk USING gin (tags);
CREATE TABLE posting (
    chunk_id bigint NOT NULL REFERENCES chunk ON DELETE CASCADE,
    word text COLLATE "C" NOT NULL, frequency double precision NOT NULL, length integer NOT NULL,
    PRIMARY KEY (chunk_id, word)
);
CREATE INDEX posting_word ON posting (word) INCLUDE (chunk_id, frequency, length);
"""
# The conflict clause also makes two writers of one document wait for each other.
CLAIM_DOCUMENT = """
INSERT INTO indexed_document VALUES (%s, %s, %s)
ON CONFLICT ON CONSTRAINT indexed_document_pkey DO UPDATE SET chunks = excluded.chunks, words = excluded.words
"""
INSERT_CHUNK = """
WITH stored AS (
    INSERT INTO chunk (document, position, text, locator, start, tags, vector)
    VALUES (%(document)s, %(position)s, %(text)s, %(locator)s, %(start)s, %(tags)s, %(vector)s) RETURNING id)
INSERT INTO posting (chunk_id, word, frequency, length)
SELECT stored.id, term.word, term.frequency, %(length)s
FROM stored, unnest(%(words)s::text[], %(frequencies)s::float8[]) AS term (word, frequency)
"""
# BM25 as in app.stores.bm25, with an idf of at least 0.000001 like SQLite's bm25(): both stores give the same scores.
# PostgreSQL's own ts_rank knows no idf: a rare word would weigh no more than a common one.
WORD_SEARCH = """
WITH corpus AS (
    SELECT sum(chunks)::float8 AS chunks, sum(words) / nullif(sum(chunks), 0)::float8 AS length FROM indexed_document
), found AS (SELECT word, chunk_id, frequency, length FROM posting WHERE word = ANY(%(words)s)), weight AS (
    SELECT word, greatest(ln((chunks - count(*) + 0.5) / (count(*) + 0.5)), 0.000001) AS idf
    FROM found, corpus GROUP BY word, chunks
), best AS (
    SELECT chunk_id,
        sum(idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * found.length / corpus.length)))::real AS score
    FROM found JOIN weight USING (word), corpus {only} GROUP BY chunk_id ORDER BY score DESC, chunk_id LIMIT %(limit)s
)
SELECT document, position, text, locator, start, tags, score
FROM best JOIN chunk ON id = chunk_id ORDER BY score DESC, chunk_id
"""
# `<#>` is the negative inner product: the cosine, as vectors have length 1, but defined for a zero vector as well.
VECTOR_SEARCH = """
WITH nearest AS (
    SELECT id, document, position, text, locator, start, tags, -(vector <#> %(vector)s) AS score
    FROM chunk {only} ORDER BY vector <#> %(vector)s LIMIT %(limit)s
)
SELECT document, position, text, locator, start, tags, score FROM nearest ORDER BY score DESC, id
"""
TAGGED_WORDS = "WHERE chunk_id IN (SELECT id FROM chunk WHERE tags @> %(tags)s)"
TAGGED_VECTORS = "WHERE tags @> %(tags)s"
PASSAGES = "SELECT document, position, text, locator, start, tags FROM chunk WHERE document = %s ORDER BY position"


class PgvectorIndex:
    """A `SearchIndex` in PostgreSQL; a search is one statement, a replaced document one transaction."""

    def __init__(self, url: str, embedding: str, dimensions: int) -> None:
        """Connect to a `postgresql://` URL and create what is missing; libpq finds the password in PGPASSWORD.

        Raises:
            ConfigurationError: no connection, no pgvector, or the index was built with another embedding.
        """
        _prepare(url, f"{embedding}/{dimensions}", dimensions)
        self._pool = ConnectionPool(
            url,
            kwargs={"autocommit": True, "connect_timeout": CONNECT_SECONDS},
            min_size=1,
            max_size=8,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=CONNECT_SECONDS,  # the next search tries again
            configure=_configure,
            check=ConnectionPool.check_connection,
            open=True,
        )

    def upsert(self, document: str, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        rows = [_row(chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True)]
        with self._connection() as connection, connection.transaction():
            connection.execute(CLAIM_DOCUMENT, (document, len(rows), sum(row["length"] for row in rows)))
            connection.execute("DELETE FROM chunk WHERE document = %s", (document,))
            connection.cursor().executemany(INSERT_CHUNK, rows)

    def delete(self, document: str) -> None:
        with self._connection() as connection:
            connection.execute("DELETE FROM indexed_document WHERE name = %s", (document,))

    def search_words(self, words: Sequence[str], limit: int, where: Mapping[str, str] = EVERYWHERE) -> list[Hit]:
        query = SQL(WORD_SEARCH).format(only=SQL(TAGGED_WORDS if where else ""))
        return self._hits(query, {"words": _terms(words), "limit": limit, "tags": encode_tags(where.items())})

    def search_vector(
        self, vector: NDArray[np.float32], limit: int, where: Mapping[str, str] = EVERYWHERE
    ) -> list[Hit]:
        query = SQL(VECTOR_SEARCH).format(only=SQL(TAGGED_VECTORS if where else ""))
        return self._hits(query, {"vector": vector, "limit": limit, "tags": encode_tags(where.items())})

    def passages(self, document: str) -> list[Chunk]:
        with self._connection() as connection:
            rows = connection.execute(PASSAGES, (document,)).fetchall()
        return [_chunk(row) for row in rows]

    def word_statistics(self, words: Sequence[str]) -> WordStatistics:
        terms = dict(zip(words, _terms(words), strict=True))
        by_word = "SELECT word, count(*) FROM posting WHERE word = ANY(%s) GROUP BY word"
        with self._connection() as connection:
            found = dict(connection.execute(by_word, (list(terms.values()),)).fetchall())
            ((chunks,),) = connection.execute("SELECT coalesce(sum(chunks), 0) FROM indexed_document")
        return WordStatistics(chunks, {word: found[term] for word, term in terms.items() if term in found})

    def ping(self) -> None:
        with self._pool.connection(timeout=2) as connection:  # health checks do not wait long
            connection.execute("SELECT 1 FROM chunk LIMIT 1")

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        """A connection for one call; a subclass may say on whose behalf it is used."""
        with self._pool.connection() as connection:
            yield connection

    def _hits(self, query: Composed, parameters: dict[str, object]) -> list[Hit]:
        with self._connection() as connection:
            rows = connection.execute(query, parameters).fetchall()
        return [Hit(_chunk(row[:-1]), row[-1]) for row in rows]


def _prepare(url: str, embedding: str, dimensions: int) -> None:
    """Create the tables unless they are there, one process at a time, and refuse the index of another embedding."""
    remedy = "Check the role's rights, and APP_EMBEDDING__DIMENSIONS: pgvector indexes at most 2000."
    with _connect(url) as connection, _explained("The search index cannot be opened", remedy):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
        _create_tables(connection, dimensions)
        connection.execute("INSERT INTO index_meta VALUES ('embedding', %s) ON CONFLICT DO NOTHING", (embedding,))
        ((stored,),) = connection.execute("SELECT value FROM index_meta WHERE name = 'embedding'")
    if stored != embedding:
        raise ConfigurationError(
            f"The index was built with embedding {stored!r}, the settings ask for {embedding!r}.",
            "Set APP_EMBEDDING__MODEL back, or point APP_STORE__URL at an empty database and ingest again.",
        )


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, connect_timeout=CONNECT_SECONDS)
    except psycopg.Error as error:
        malformed = isinstance(error, psycopg.ProgrammingError)  # its message may quote the password
        reason = "this is no PostgreSQL URL" if malformed else first_line(error)
        remedy = "Check APP_STORE__URL (a space is %20) and PGPASSWORD."
        raise ConfigurationError(f"PostgreSQL cannot be reached: {reason}.", remedy) from None


def _create_tables(connection: psycopg.Connection, dimensions: int) -> None:
    """A role that may not create anything can still use what is there."""
    if connection.execute("SELECT to_regclass('posting')").fetchone() == (None,):
        remedy = "Let an administrator run `CREATE EXTENSION vector` in it once; the server needs pgvector installed."
        with _explained("pgvector cannot be switched on in this database", remedy):
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute(SQL(SCHEMA).format(dimensions=dimensions))


@contextmanager
def _explained(problem: str, remedy: str) -> Iterator[None]:
    """Turn what PostgreSQL says into a configuration error."""
    try:
        yield
    except psycopg.Error as error:
        raise ConfigurationError(f"{problem}: {first_line(error)}.", remedy) from None


def _configure(connection: psycopg.Connection) -> None:
    """Let a vector search go on until LIMIT is met: replaced rows fill the index until PostgreSQL vacuums them."""
    register_vector(connection)
    connection.execute("SET hnsw.ef_search = 400; SET hnsw.iterative_scan = strict_order")


def _row(chunk: Chunk, vector: NDArray[np.float32]) -> dict[str, Any]:
    """The parameters of INSERT_CHUNK."""
    counts = count_words(_terms(stems(chunk.text)), _terms(stems(chunk.heading)))
    terms = {"words": list(counts.frequency), "frequencies": list(counts.frequency.values()), "length": counts.length}
    return {**asdict(chunk), "tags": encode_tags(chunk.tags), "vector": vector, **terms}


def _chunk(row: Sequence[Any]) -> Chunk:
    """A passage as the queries return it."""
    document, position, text, locator, start, tags = row
    return Chunk(document, position, text, locator, start, decode_tags(tags))


def _terms(words: Sequence[str]) -> list[str]:
    return [word[:LONGEST_WORD] for word in words]
