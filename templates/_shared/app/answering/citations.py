"""Checks what a model claims against what was retrieved: an invented citation never reaches the reader."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from app.answering.quoting import inert
from app.language import WORD, sentences, stem_set, stems
from app.stores.ports import Hit

MARK = re.compile(r"\s*\[(\d+)\]")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NAMES = "two three four five six seven eight nine ten eleven twelve".split()
NUMBER_WORDS = {name: str(value) for value, name in enumerate(NAMES, start=2)}
MIN_SUPPORT = 0.5


class Citation(BaseModel):
    """Where a reader finds the proof: `quote` stands word for word in `document` at `locator`."""

    number: int
    document: str
    locator: str
    quote: str
    score: float


@dataclass
class CitationCheck:
    """Follows one answer sentence by sentence and keeps what is proven.

    A sentence is released together with the next proven sentence of its answer; what no proof follows is dropped.
    Numbers are given anew in the order of appearance; `cited` are the passages' numbers as the model knows them.
    """

    hits: Sequence[Hit]
    citations: list[Citation] = field(default_factory=list)
    cited: set[int] = field(default_factory=set)
    _waiting: list[str] = field(default_factory=list)

    def admit(self, sentence: str) -> str:
        """The text that may be shown after this sentence; empty while nothing is proven yet."""
        claim = MARK.sub("", sentence).strip()
        cited = {int(number) for number in MARK.findall(sentence)}
        proven = sorted(number for number in cited if self._supports(number, claim))
        if not proven:
            if not cited and claim:
                self._waiting.append(claim)
            return ""
        marks = "".join(f"[{self._cite(number, claim)}]" for number in proven)
        text = " ".join([*map(inert, [*self._waiting, claim]), marks])
        self._waiting.clear()
        return text

    def start_again(self) -> None:
        """Forget what was admitted: the answer broke off, and another one follows in its place."""
        self.citations.clear()
        self.cited.clear()
        self._waiting.clear()

    def _supports(self, number: int, claim: str) -> bool:
        return 1 <= number <= len(self.hits) and support(claim, self.hits[number - 1].chunk.text) >= MIN_SUPPORT

    def _cite(self, number: int, claim: str) -> int:
        self.cited.add(number)
        hit = self.hits[number - 1]
        quote = best_quote(claim, hit.chunk.text)
        for known in self.citations:
            if (known.document, known.locator, known.quote) == (hit.chunk.document, hit.chunk.locator, quote):
                return known.number
        self.citations.append(
            Citation(
                number=len(self.citations) + 1,
                document=hit.chunk.document,
                locator=hit.chunk.locator,
                quote=quote,
                score=round(hit.score, 6),
            )
        )
        return len(self.citations)


def support(claim: str, passage: str) -> float:
    """The share of the claim's content words that the passage contains; 0 if a number of the claim is missing."""
    words = stems(claim)
    if not words or not numbers(claim) <= numbers(passage):
        return 0.0
    present = stem_set(passage)
    return sum(word in present for word in words) / len(words)


def numbers(text: str) -> set[str]:
    """The numbers in `text` as digits, also those written as words up to twelve ("one" is too often a pronoun)."""
    spelled = {NUMBER_WORDS[word] for word in WORD.findall(text.lower()) if word in NUMBER_WORDS}
    return set(NUMBER.findall(text)) | spelled


def best_quote(claim: str, passage: str) -> str:
    """The sentence of the passage that shares most words with the claim, as it stands there."""
    wanted = stem_set(claim)
    return max(sentences(passage), key=lambda sentence: len(wanted & stem_set(sentence)))
