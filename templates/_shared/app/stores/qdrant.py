"""The search index on a Qdrant server: sparse vectors hold the words, dense vectors the embedding."""

import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException
from qdrant_client.models import (
    Distance,
    FieldCondition,
    Filter,
    MatchValue,
    Modifier,
    PayloadSchemaType,
    PointStruct,
    Range,
    SparseVector,
    SparseVectorParams,
    VectorParams,
)

from app.errors import ConfigurationError
from app.language import stems
from app.stores.bm25 import K1, B, count_words
from app.stores.ports import EVERYWHERE, Chunk, Hit, WordStatistics, decode_tags, encode_tags

COLLECTION = "passages"
DENSE, WORDS = "dense", "words"
TIMEOUT_SECONDS = 10
BATCH = 256  # points in one request; a server takes 32 MB
AVERAGE_LENGTH = 40  # words of an average passage: Qdrant keeps the weights of words as they were stored
FIELDS = {
    "document": PayloadSchemaType.KEYWORD,
    "version": PayloadSchemaType.INTEGER,
    "terms": PayloadSchemaType.INTEGER,
    "tags": PayloadSchemaType.KEYWORD,
}
STORED = ["document", "position", "text", "locator", "start", "tags", "version"]  # all of a point but its `terms`


class QdrantIndex:
    """A `SearchIndex` in one collection of Qdrant 1.16 or later.

    Two things differ from BM25 in the other stores: the length of a passage is held against AVERAGE_LENGTH, not
    against the average of the moment, and the server's idf is ln(1 + (N - n + 0.5) / (n + 0.5)), never near zero.
    Qdrant has no transactions: while a document is replaced, a search may find passages of both versions.
    """

    def __init__(self, client: QdrantClient, collection: str, embedding: str, dimensions: int) -> None:
        """Create the collection unless it is there.

        Raises:
            ConfigurationError: no connection, or the index was built with another embedding.
        """
        self._client = client
        self._collection = collection
        try:
            self._prepare(f"{embedding}/{dimensions}", dimensions)
        except ApiException as error:
            self.close()
            reason = str(error).strip().partition("\n")[0]
            raise ConfigurationError(
                f"Qdrant cannot be used: {reason}.", "Check APP_STORE__INDEX_URL and APP_STORE__INDEX_KEY."
            ) from None

    def upsert(self, document: str, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        version = self._next_version(document)
        points = [_point(chunk, vector, version) for chunk, vector in zip(chunks, vectors, strict=True)]
        for start in range(0, len(points), BATCH):
            self._client.upsert(self._collection, points[start : start + BATCH])
        self._remove(document, Range(lt=version))
        if self._client.count(self._collection, _of(document, Range(gt=version))).count:
            self._remove(document, Range(lte=version))  # another writer was later: its version stays

    def delete(self, document: str) -> None:
        self._client.delete(self._collection, _of(document))

    def search_words(self, words: Sequence[str], limit: int, where: Mapping[str, str] = EVERYWHERE) -> list[Hit]:
        terms = sorted({_term(word) for word in words})
        if not terms:
            return []
        return self._hits(SparseVector(indices=terms, values=[1.0] * len(terms)), WORDS, limit, where)

    def search_vector(
        self, vector: NDArray[np.float32], limit: int, where: Mapping[str, str] = EVERYWHERE
    ) -> list[Hit]:
        return self._hits(vector.tolist(), DENSE, limit, where)

    def passages(self, document: str) -> list[Chunk]:
        stored: list[Mapping[str, Any]] = []
        page = None
        while True:
            points, page = self._client.scroll(self._collection, _of(document), limit=BATCH, offset=page)
            stored += [point.payload for point in points if point.payload]
            if page is None:
                break
        newest = max((payload["version"] for payload in stored), default=0)  # while it is replaced there are two
        chunks = [_hit(payload, 0.0).chunk for payload in stored if payload["version"] == newest]
        return sorted(chunks, key=lambda chunk: chunk.position)

    def word_statistics(self, words: Sequence[str]) -> WordStatistics:
        frequency = {word: self._count(word) for word in set(words)}
        chunks = self._client.count(self._collection).count
        return WordStatistics(chunks, {word: n for word, n in frequency.items() if n})

    def ping(self) -> None:
        self._client.get_collection(self._collection)

    def close(self) -> None:
        self._client.close()

    def _prepare(self, embedding: str, dimensions: int) -> None:
        if not self._client.collection_exists(self._collection):
            self._create(embedding, dimensions)
        for name, kind in FIELDS.items():
            self._client.create_payload_index(self._collection, name, kind)
        stored = (self._client.get_collection(self._collection).config.metadata or {}).get("embedding")
        if stored != embedding:
            self.close()
            raise ConfigurationError(
                f"The index was built with embedding {stored!r}, the settings ask for {embedding!r}.",
                "Set APP_EMBEDDING__MODEL back, or name another collection in APP_STORE__INDEX_URL and ingest again.",
            )

    def _create(self, embedding: str, dimensions: int) -> None:
        try:
            self._client.create_collection(
                self._collection,
                vectors_config={DENSE: VectorParams(size=dimensions, distance=Distance.DOT)},
                sparse_vectors_config={WORDS: SparseVectorParams(modifier=Modifier.IDF)},
                metadata={"embedding": embedding},
            )
        except (ApiException, ValueError):
            if not self._client.collection_exists(self._collection):  # else another process was faster
                raise

    def _next_version(self, document: str) -> int:
        """A number above every stored version of the document: microseconds, unless a clock was set back."""
        newest, _ = self._client.scroll(self._collection, _of(document), limit=1, with_payload=["version"])
        known = [point.payload["version"] for point in newest if point.payload]
        return max([time.time_ns() // 1000, *(version + 1 for version in known)])

    def _remove(self, document: str, versions: Range) -> None:
        self._client.delete(self._collection, _of(document, versions))

    def _count(self, word: str) -> int:
        holds = FieldCondition(key="terms", match=MatchValue(value=_term(word)))
        return self._client.count(self._collection, Filter(must=[holds])).count

    def _hits(self, query: SparseVector | list[float], using: str, limit: int, where: Mapping[str, str]) -> list[Hit]:
        tags = [FieldCondition(key="tags", match=MatchValue(value=tag)) for tag in encode_tags(where.items())]
        only = Filter(must=tags) if tags else None
        found = self._client.query_points(
            self._collection, query, using=using, query_filter=only, limit=limit, with_payload=STORED
        ).points
        hits = [(point.payload["version"], _hit(point.payload, point.score)) for point in found if point.payload]
        return [hit for _, hit in sorted(hits, key=lambda pair: (-pair[1].score, pair[0], pair[1].chunk.position))]


def connect(url: str, key: str | None) -> tuple[QdrantClient, str]:
    """A client for `qdrant://HOST:PORT/COLLECTION` or `qdrant+https://…`, and the collection's name.

    Raises:
        ConfigurationError: this is no such URL.
    """
    try:
        parts = urlsplit(url)
        scheme = {"qdrant": "http", "qdrant+https": "https"}[parts.scheme]
        address = f"{scheme}://{parts.hostname}:{parts.port or 6333}"
        client = QdrantClient(address, api_key=key, timeout=TIMEOUT_SECONDS, check_compatibility=False)
    except (KeyError, ValueError):
        raise ConfigurationError(
            "APP_STORE__INDEX_URL is no Qdrant URL.", "Use `qdrant://HOST:6333` or `qdrant+https://HOST:6333`."
        ) from None
    return client, parts.path.strip("/") or COLLECTION


def _of(document: str, versions: Range | None = None) -> Filter:
    """The points of a document, of some versions only where these are given."""
    named = FieldCondition(key="document", match=MatchValue(value=document))
    return Filter(must=[named, FieldCondition(key="version", range=versions)] if versions else [named])


def _point(chunk: Chunk, vector: NDArray[np.float32], version: int) -> PointStruct:
    counts = count_words(stems(chunk.text), stems(chunk.heading))
    saturation = K1 * (1 - B + B * counts.length / AVERAGE_LENGTH)
    weights = {_term(word): f * (K1 + 1) / (f + saturation) for word, f in counts.frequency.items()}
    payload = {name: getattr(chunk, name) for name in ("document", "position", "text", "locator", "start")}
    return PointStruct(
        id=str(uuid5(NAMESPACE_URL, f"{version}/{chunk.position}/{chunk.document}")),
        vector={DENSE: vector.tolist(), WORDS: SparseVector(indices=list(weights), values=list(weights.values()))},
        payload={**payload, "tags": encode_tags(chunk.tags), "version": version, "terms": list(weights)},
    )


def _hit(stored: Mapping[str, Any], score: float) -> Hit:
    place = stored["document"], stored["position"], stored["text"], stored["locator"], stored["start"]
    return Hit(Chunk(*place, decode_tags(stored["tags"])), score)


def _term(word: str) -> int:
    """The number that stands for a word in sparse vectors."""
    return zlib.crc32(word.encode())
