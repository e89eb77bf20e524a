"""A second look at the first candidates: slower than the searches, finer than their fusion."""

from collections.abc import Sequence
from typing import Protocol

from app.errors import ConfigurationError
from app.language import stems
from app.llm.local import PREFIX, load_local
from app.retrieval.coverage import coverage
from app.stores.ports import Hit, WordStatistics

DEPTH = 20  # candidates that get the second look


class Reranker(Protocol):
    """Puts candidates into a better order."""

    def rerank(self, question: str, hits: Sequence[Hit], statistics: WordStatistics) -> list[Hit]:
        """The same passages, best first, with scores of its own; equal ones stay in their order."""
        ...


class CoverageReranker:
    """Prefers passages that hold much of the question alone. It reads words, not meaning, and needs no model.

    The score is the fused one, scaled to 1 for the best candidate, plus the passage's own coverage in [0, 1].
    """

    def rerank(self, question: str, hits: Sequence[Hit], statistics: WordStatistics) -> list[Hit]:
        words = stems(question)
        best = max((hit.score for hit in hits), default=1.0)
        return _best_first(hits, [hit.score / best + coverage(words, [hit], statistics) for hit in hits])


class CrossEncoderReranker:
    """A small model that reads question and passage together."""

    def __init__(self, model: str) -> None:
        self._model = load_local("APP_RETRIEVAL__RERANKER", model, "fastembed.rerank.cross_encoder", "TextCrossEncoder")

    def rerank(self, question: str, hits: Sequence[Hit], statistics: WordStatistics) -> list[Hit]:
        passages = [f"{hit.chunk.heading}\n{hit.chunk.text}" for hit in hits]
        return _best_first(hits, [float(score) for score in self._model.rerank(question, passages)])


def build_reranker(name: str) -> Reranker | None:
    """The reranker that the settings ask for.

    Raises:
        ConfigurationError: there is none of this name, or its model cannot be loaded.
    """
    if name == "none":
        return None
    if name == "coverage":
        return CoverageReranker()
    if name.startswith(PREFIX):
        return CrossEncoderReranker(name)
    raise ConfigurationError(
        f"APP_RETRIEVAL__RERANKER={name!r} is unknown.", f"Use `none`, `coverage` or `{PREFIX}MODEL`."
    )


def _best_first(hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
    scored = [Hit(hit.chunk, score) for hit, score in zip(hits, scores, strict=True)]
    return sorted(scored, key=lambda hit: -hit.score)
