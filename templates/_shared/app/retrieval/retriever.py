"""Hybrid retrieval: BM25 and vector search side by side, fused, with a measure of how much they prove."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from app.language import stems
from app.llm.embedding import TextEmbedder
from app.retrieval.coverage import coverage
from app.retrieval.fusion import fuse
from app.retrieval.reranking import DEPTH, Reranker
from app.settings import RetrievalSettings
from app.stores.ports import EVERYWHERE, Hit, SearchIndex


@dataclass(frozen=True)
class Evidence:
    """Passages for one question, best first.

    `coverage` in [0, 1] is the share of the question's information that they contain, as `coverage` computes it: a
    question about an unknown thing has a low one.
    """

    hits: tuple[Hit, ...]
    coverage: float


class Retriever:
    """Answers "which passages speak about this?" from one index and one embedder."""

    def __init__(
        self,
        index: SearchIndex,
        embedder: TextEmbedder,
        settings: RetrievalSettings,
        reranker: Reranker | None = None,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._settings = settings
        self._reranker = reranker

    def over(self, index: SearchIndex) -> "Retriever":
        """The same search in another index."""
        return Retriever(index, self._embedder, self._settings, self._reranker)

    async def search(
        self,
        question: str,
        where: Mapping[str, str] = EVERYWHERE,
        vector: NDArray[np.float32] | None = None,
    ) -> Evidence:
        """The `top_k` passages for `question` and their coverage; no passages when nothing matches.

        `where` asks for tags: only passages that carry all of them are found. `vector` is the question's, where it was
        embedded before.
        """
        if vector is None:
            (vector,) = await self._embedder.embed([question], "query")
        return await to_thread.run_sync(self._search, question, vector, where)

    def _search(self, question: str, vector: NDArray[np.float32], where: Mapping[str, str]) -> Evidence:
        """Everything that waits for the index, together in one thread."""
        words, limit, dense = stems(question), self._settings.candidates, self._settings.dense_weight
        by_words = self._index.search_words(words, limit, where)
        by_vector = self._index.search_vector(vector, limit, where)
        statistics = self._index.word_statistics(sorted(set(words)))
        hits = fuse([(1 - dense, by_words), (dense, by_vector)])
        if self._reranker:
            hits = self._reranker.rerank(question, hits[:DEPTH], statistics)
        best = hits[: self._settings.top_k]
        return Evidence(tuple(best), coverage(words, best, statistics))
