"""What all stores agree on about BM25: how often a word counts in a passage, and the constants of the formula.

Okapi BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009: a passage
scores the sum over the question's words of idf * f * (K1 + 1) / (f + K1 * (1 - B + B * length / average length)).
SQLite's own bm25() computes just this with these constants; the other stores follow it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

K1 = 1.2
B = 0.75
HEADING_WEIGHT = 0.6  # a word in the heading counts as this many in the text


@dataclass(frozen=True, slots=True)
class WordCounts:
    """How often each word counts in one passage, and of how many words the passage consists."""

    frequency: dict[str, float]
    length: int


def count_words(text: Sequence[str], heading: Sequence[str]) -> WordCounts:
    """The counts of a passage out of the stems of its text and of its heading."""
    in_text, in_heading = Counter(text), Counter(heading)
    frequency = {word: in_text[word] + HEADING_WEIGHT * in_heading[word] for word in in_text | in_heading}
    return WordCounts(frequency, len(text) + len(heading))
