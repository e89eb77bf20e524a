"""Two contracts side by side: which clauses were added, removed and changed, and what changed in their words."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby
from typing import Literal

from app.answering.citations import numbers
from app.language import sentences, stem_set
from app.legal.clauses import Clause

ALIKE = 0.3  # clauses that share less are two clauses, not one that changed
MOST_WORDS = 1500  # of a longer clause sentences are compared instead of words
SHORTEST_SAME = 3  # fewer equal words between two changes read as one change
TOKEN = re.compile(r"\n|\S+")


class State(StrEnum):
    """What became of a clause."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that both contracts have, that only the second has, or that only the first had."""

    kind: Literal["same", "added", "removed"]
    text: str


@dataclass(frozen=True, slots=True)
class ClausePair:
    """One clause in both contracts; an added one has no `first`, a removed one no `second`."""

    state: State
    first: Clause | None
    second: Clause | None
    pieces: tuple[Piece, ...]

    @property
    def clause(self) -> Clause:
        """The clause to name: the newer one where there is one."""
        clause = self.second or self.first
        assert clause is not None  # noqa: S101 - a pair has at least one side
        return clause

    @property
    def renumbered(self) -> bool:
        """Whether the clause stands under another number now."""
        return bool(self.first and self.second and self.first.number != self.second.number)

    @property
    def numbers(self) -> tuple[list[str], list[str]]:
        """The numbers that went and those that came: terms, amounts and limits are what hurts."""
        before, now = (numbers(side.text) if side else set() for side in (self.first, self.second))
        return sorted(before - now, key=_size), sorted(now - before, key=_size)


def compare(first: Sequence[Clause], second: Sequence[Clause]) -> list[ClausePair]:
    """Every clause of both contracts, in the order of the second; removed ones where they used to stand."""
    matched = match(first, second)
    partner = {theirs: mine for mine, theirs in matched.items()}
    placed = [
        ((there, 0, 0), _pair(first[partner[there]] if there in partner else None, clause))
        for there, clause in enumerate(second)
    ]
    before = -1
    for here, clause in enumerate(first):
        if here in matched:
            before = matched[here]
        else:
            placed.append(((before, 1, here), _pair(clause, None)))
    return [pair for _, pair in sorted(placed, key=lambda entry: entry[0])]


def match(first: Sequence[Clause], second: Sequence[Clause]) -> dict[int, int]:
    """Which clause of `second` is which of `first`, by position: the most alike first, each used once."""
    scored = [
        (likeness(mine, theirs), -abs(here - there), here, there)
        for here, mine in enumerate(first)
        for there, theirs in enumerate(second)
    ]
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for score, _, here, there in sorted(scored, reverse=True):
        if score < ALIKE:
            break
        if here not in matched and there not in taken:
            matched[here] = there
            taken.add(there)
    return matched


def likeness(one: Clause, other: Clause) -> float:
    """The mean of the Jaccard similarities of titles and of texts, by their different word stems."""
    if one.text == other.text:
        return 1.0
    return (_jaccard(one.title, other.title) + _jaccard(one.text, other.text)) / 2


def difference(before: str, now: str) -> tuple[Piece, ...]:
    """The words of both texts in reading order, what went before what came in its place."""
    old, new = TOKEN.findall(before), TOKEN.findall(now)
    if max(len(old), len(new)) > MOST_WORDS:
        old, new = sentences(before), sentences(now)
    pieces: list[Piece] = []
    for changed, steps in groupby(_steps(old, new), key=lambda step: step[0] != "equal"):
        run = list(steps)
        gone = _joined(word for _, words, _ in run for word in words)
        came = _joined(word for _, _, words in run for word in words)
        if not changed:
            pieces.append(Piece("same", came))
            continue
        pieces += [Piece(kind, text) for kind, text in (("removed", gone), ("added", came)) if text]
    return tuple(pieces)


def tally(pairs: Sequence[ClausePair]) -> dict[State, int]:
    """How many clauses are in each state, also where that is none."""
    counted = Counter(pair.state for pair in pairs)
    return {state: counted[state] for state in State}


def _pair(first: Clause | None, second: Clause | None) -> ClausePair:
    if second is None:
        assert first is not None  # noqa: S101 - see ClausePair.clause
        return ClausePair(State.REMOVED, first, None, (Piece("removed", first.text),))
    if first is None:
        return ClausePair(State.ADDED, None, second, (Piece("added", second.text),))
    if first.text.split() == second.text.split() and first.title == second.title:
        return ClausePair(State.SAME, first, second, (Piece("same", second.text),))
    return ClausePair(State.CHANGED, first, second, difference(first.text, second.text))


def _steps(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, Sequence[str], Sequence[str]]]:
    """What to do with which words; equal runs too short to read on their own count as replaced."""
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    last = len(codes) - 1
    return [
        ("replace" if tag == "equal" and a2 - a1 < SHORTEST_SAME and 0 < place < last else tag, old[a1:a2], new[b1:b2])
        for place, (tag, a1, a2, b1, b2) in enumerate(codes)
    ]


def _jaccard(one: str, other: str) -> float:
    """The share of word stems that both have; 0 for texts without words."""
    mine, theirs = stem_set(one), stem_set(other)
    return len(mine & theirs) / len(mine | theirs) if mine or theirs else 0.0


def _joined(words: Iterable[str]) -> str:
    return " ".join(words).replace(" \n ", "\n").strip()


def _size(number: str) -> tuple[int, str]:
    """Orders numbers so that 9 comes before 10."""
    return len(number), number
