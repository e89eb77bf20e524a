"""Scores of one case, each between 0 and 1."""

import re
from collections.abc import Collection, Sequence


def hit(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 if any relevant document is among the ranked ones."""
    return float(any(document in relevant for document in ranked))


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 / rank of the first relevant document, rank from 1; 0 if there is none."""
    return next((1 / rank for rank, document in enumerate(ranked, start=1) if document in relevant), 0.0)


def recall(found: Collection[str], relevant: Collection[str]) -> float:
    """The share of the relevant documents that was found; 1 if there was nothing to find."""
    return sum(document in found for document in set(relevant)) / len(set(relevant)) if relevant else 1.0


def precision(found: Sequence[str], relevant: Collection[str]) -> float:
    """The share of `found` that is relevant; 0 if nothing was found."""
    return sum(document in relevant for document in found) / len(found) if found else 0.0


def phrases_present(text: str, phrases: Sequence[str]) -> float:
    """The share of `phrases` that stand in `text` as whole words, whatever the case and spacing; 1 for none."""
    haystack = " ".join(text.lower().split())
    found = [re.search(rf"(?<!\w){re.escape(' '.join(p.lower().split()))}(?!\w)", haystack) for p in phrases]
    return sum(match is not None for match in found) / len(found) if found else 1.0
