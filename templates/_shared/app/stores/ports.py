"""What the domain needs of a search index, whatever database stands behind it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

EVERYWHERE: Mapping[str, str] = MappingProxyType({})  # the filter that every passage passes


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one document.

    `locator` says where it stands for a reader: a heading path, a page or lines. `start` is the offset of `text` in
    the section that the locator names, in characters. `tags` are sorted (name, value) pairs that a search can ask for.
    """

    document: str
    position: int
    text: str
    locator: str
    start: int = 0
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def heading(self) -> str:
        """What stands above the passage: the document's name and the locator, searchable like its text."""
        return f"{self.document} {self.locator}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found by one search; a higher `score` is better and only comparable within that search."""

    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class WordStatistics:
    """In how many of `chunks` passages each stemmed word occurs."""

    chunks: int
    frequency: dict[str, int]


class SearchIndex(Protocol):
    """Passages with words and vectors. All calls are safe from several threads and processes."""

    def upsert(self, document: str, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        """Replace every passage of `document` at once; `vectors` has shape (len(chunks), dimensions)."""
        ...

    def delete(self, document: str) -> None:
        """Remove every passage of `document`; unknown documents are no error."""
        ...

    def search_words(self, words: Sequence[str], limit: int, where: Mapping[str, str] = EVERYWHERE) -> list[Hit]:
        """The passages that best match the stemmed `words` by BM25, best first.

        Only passages that carry every tag of `where`; the weights of words are those of the whole index.
        """
        ...

    def search_vector(
        self, vector: NDArray[np.float32], limit: int, where: Mapping[str, str] = EVERYWHERE
    ) -> list[Hit]:
        """The passages with every tag of `where` nearest to `vector` (unit length) by cosine, best first."""
        ...

    def passages(self, document: str) -> list[Chunk]:
        """The passages of `document` in reading order; none for an unknown one."""
        ...

    def word_statistics(self, words: Sequence[str]) -> WordStatistics:
        """Document frequencies over the whole index, for weighing evidence."""
        ...

    def ping(self) -> None:
        """Raise when the database cannot be reached."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


def encode_tags(tags: Iterable[tuple[str, str]]) -> list[str]:
    """Each tag as one text, such as `["format", "pdf"]`: what the adapters store and compare."""
    return [json.dumps(tag) for tag in tags]


def decode_tags(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The tags that `encode_tags` made into `texts`."""
    return tuple((name, value) for name, value in map(json.loads, texts))
