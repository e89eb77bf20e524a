"""A language model for machines without a key: it copies the best-matching sentences, and says so.

It is extractive and deterministic: no network, no randomness, no generated words. Its scores are a floor for what
a real model does with the same passages, never a claim about one.
"""

import html
import math
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from app.language import sentences, stem_set

NAME = "offline-extractive"
MAX_SENTENCES = 3
NOTHING_FITS = "No sentence of the passages fits."  # without a mark, so it proves nothing and no reader sees it
PASSAGE = re.compile(r'<passage id="(\d+)"([^>]*)>(.*?)</passage>', re.DOTALL)
QUESTION = re.compile(r"<question>(.*?)</question>", re.DOTALL)
DECORATION = re.compile(r"^\s*(?:#+\s+|[-*+>]\s+|\d+\.\s+)|(?<!\w)[*`]{1,3}(?=\S)|(?<=\S)[*`]{1,3}(?!\w)")


@dataclass(frozen=True)
class Passage:
    """One passage of the prompt; its attributes name the document and the section."""

    number: int
    attributes: str
    text: str


@dataclass(frozen=True)
class Candidate:
    """One sentence of one passage, and how well it fits the question."""

    passage: int
    order: int
    text: str
    score: float


def offline_model() -> FunctionModel:
    """The extractive model behind pydantic-ai's model interface."""
    return FunctionModel(stream_function=_stream, model_name=NAME)


async def _stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    prompt = _last_user_prompt(messages)
    for sentence in extract(prompt) or [NOTHING_FITS]:
        yield f"{sentence}\n"


def estimated_tokens(characters: int) -> int:
    """About four characters make a token of English; the offline model has no tokenizer to count with."""
    return math.ceil(characters / 4)


def extract(prompt: str) -> list[str]:
    """The best sentences of the prompt's passages, each with its `[n]`; empty when none shares a word."""
    question = QUESTION.search(prompt)
    if question is None:
        return []
    passages = [Passage(int(m[1]), html.unescape(m[2]), html.unescape(m[3])) for m in PASSAGE.finditer(prompt)]
    ranked = _rank(stem_set(html.unescape(question[1])), passages)
    return [f"{candidate.text} [{candidate.passage}]" for candidate in _choose(ranked)]


def _rank(words: frozenset[str], passages: Sequence[Passage]) -> list[Candidate]:
    """Every sentence by the question's words in it, plus half of those in its passage; rare words weigh more."""
    units = [(passage, order, text) for passage in passages for order, text in enumerate(_units(passage.text))]
    spread = Counter(word for _, _, text in units for word in words & stem_set(text))
    weights = {word: math.log(1 + len(units) / (1 + spread[word])) for word in words}
    candidates = []
    for passage, order, text in units:
        own = sum(weights[word] for word in words & stem_set(text))
        around = sum(weights[word] for word in words & stem_set(f"{passage.attributes} {passage.text}"))
        candidates.append(Candidate(passage.number, order, text, own + around / 2 if own else 0))
    return sorted(candidates, key=lambda c: (-c.score, c.passage, c.order))


def _choose(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The best sentence and those nearly as good, in the order a reader meets them."""
    if not ranked or ranked[0].score == 0:
        return []
    near = [c for c in ranked[:MAX_SENTENCES] if c.score >= 0.6 * ranked[0].score]
    return sorted(near, key=lambda c: (c.passage, c.order))


def _units(passage: str) -> list[str]:
    """Readable sentences: table rows become `a, b`, list and emphasis marks go, fences and headings are left out."""
    lines = [_plain(line) for line in sentences(passage)]
    return [line for line in lines if not line.isupper() and len(stem_set(line)) > 1]


def _plain(line: str) -> str:
    if line.startswith(("```", "|--", "| --", "|:-", "---", "#")):
        return ""
    if line.startswith("|"):
        line = ", ".join(cell.strip() for cell in line.strip("|").split("|"))
    return DECORATION.sub("", line).strip()


def _last_user_prompt(messages: Sequence[ModelMessage]) -> str:
    parts = [p for m in messages if isinstance(m, ModelRequest) for p in m.parts if isinstance(p, UserPromptPart)]
    return str(parts[-1].content) if parts else ""
