"""How much of a question passages speak about: its words, weighed by how much each tells."""

import math
from collections.abc import Sequence

from app.language import stems
from app.stores.ports import Hit, WordStatistics

FEWEST = 100  # passages; how rare a word is shows only in so many


def coverage(words: Sequence[str], hits: Sequence[Hit], statistics: WordStatistics) -> float:
    """The share of the question's information that the passages contain together, in [0, 1].

    The sum of inverse document frequencies of the question's stemmed words found in the passages over the sum of
    all of them. A word that is nowhere in the index weighs most.
    """
    weights = {word: inverse_document_frequency(word, statistics) for word in set(words)}
    total = sum(weights.values())
    if total == 0:
        return 0.0
    found = {word for hit in hits for word in stems(f"{hit.chunk.heading} {hit.chunk.text}")}
    return sum(weights[word] for word in found & weights.keys()) / total


def inverse_document_frequency(word: str, statistics: WordStatistics) -> float:
    """ln(1 + (N - n + 0.5) / (n + 0.5)), the weight BM25 gives a word (Robertson and Zaragoza 2009).

    A smaller index counts as `FEWEST` passages, the others without the word. Else the one document that somebody
    begins with would make each of its words common, and one unknown word would outweigh them all.
    """
    n = statistics.frequency.get(word, 0)
    return math.log(1 + (max(statistics.chunks, FEWEST) - n + 0.5) / (n + 0.5))
