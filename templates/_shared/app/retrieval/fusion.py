"""Reciprocal rank fusion: one ranking out of several, from ranks alone, so that scores need no common scale."""

from collections.abc import Sequence

from app.stores.ports import Chunk, Hit

RANK_CONSTANT = 60


def fuse(rankings: Sequence[tuple[float, Sequence[Hit]]]) -> list[Hit]:
    """Merge (weight, ranking) pairs; a chunk scores the sum of weight / (60 + rank), rank from 1.

    Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet", SIGIR 2009.
    """
    scores: dict[Chunk, float] = {}
    for weight, hits in rankings:
        for rank, hit in enumerate(hits, start=1):
            scores[hit.chunk] = scores.get(hit.chunk, 0.0) + weight / (RANK_CONSTANT + rank)
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0].document, item[0].position))
    return [Hit(chunk, score) for chunk, score in ranked if score > 0]
