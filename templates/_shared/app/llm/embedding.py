"""Text to vectors, by a provider's model or by a deterministic offline one."""

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray
from pydantic_ai import Embedder

from app.errors import ConfigurationError
from app.language import stems
from app.llm.local import PREFIX, load_local
from app.settings import EmbeddingSettings

BATCH = 128
LETTERS = 3
LETTER_WEIGHT = 0.35

Kind = Literal["query", "document"]


class TextEmbedder(Protocol):
    """Turns texts into unit vectors."""

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimensions), each of length 1 (or 0 for a text without words)."""
        ...


class OfflineEmbedder:
    """A lexical embedding: hashed word stems and letter triples. It knows spelling, not meaning.

    It needs no download and no key and gives the same vector on every machine. Feature hashing as in
    Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
    """

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in stems(text):
                positions, weights = _features(word, self._dimensions)
                np.add.at(row, positions, weights)
        return _unit(vectors)


class ProviderEmbedder:
    """A provider's embedding model, called in batches."""

    def __init__(self, embedder: Embedder, dimensions: int) -> None:
        self._embedder = embedder
        self._dimensions = dimensions

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        vectors: list[Sequence[float]] = []
        for start in range(0, len(texts), BATCH):
            result = await self._embedder.embed(texts[start : start + BATCH], input_type=kind)
            vectors.extend(result.embeddings)
        return _fitting(vectors, self._dimensions)


class LocalEmbedder:
    """A small semantic model on this machine."""

    def __init__(self, model: str, dimensions: int) -> None:
        self._model = load_local("APP_EMBEDDING__MODEL", model, "fastembed", "TextEmbedding")
        self._dimensions = dimensions

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        run = self._model.query_embed if kind == "query" else self._model.passage_embed
        vectors = await to_thread.run_sync(lambda: list(run(list(texts))))
        return _fitting(vectors, self._dimensions)


def build_embedder(settings: EmbeddingSettings) -> TextEmbedder:
    """The embedder that the settings ask for.

    Raises:
        ConfigurationError: a local model cannot be loaded.
    """
    if settings.model == "offline":
        return OfflineEmbedder(settings.dimensions)
    if settings.model.startswith(PREFIX):
        return LocalEmbedder(settings.model, settings.dimensions)
    embedder = Embedder(settings.model, settings={"dimensions": settings.dimensions})
    return ProviderEmbedder(embedder, settings.dimensions)


@lru_cache(maxsize=65_536)
def _features(word: str, dimensions: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Positions and signed weights of a word: itself and the letter triples of `<word>`."""
    padded = f"<{word}>"
    triples = [padded[i : i + LETTERS] for i in range(len(padded) - LETTERS + 1)]
    hashes = np.array([zlib.crc32(feature.encode()) for feature in [f"={word}", *triples]], dtype=np.int64)
    weights = np.full(len(hashes), LETTER_WEIGHT, dtype=np.float32)
    weights[0] = 1.0
    signs = np.where(hashes & 1, 1, -1).astype(np.float32)
    return (hashes >> 1) % dimensions, weights * signs


def _fitting(vectors: Sequence[Sequence[float]], dimensions: int) -> NDArray[np.float32]:
    """What a model returned, as unit vectors of the length that the index holds."""
    if vectors and len(vectors[0]) != dimensions:
        raise ConfigurationError(
            f"The embedding model makes vectors of length {len(vectors[0])}, the settings ask for {dimensions}.",
            "Set APP_EMBEDDING__DIMENSIONS to the model's own length.",
        )
    return _unit(np.array(vectors, dtype=np.float32).reshape(len(vectors), dimensions))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)
