"""What the literature says about a topic: one cited paragraph for each document that speaks about it."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from app.answering.citations import Citation
from app.bootstrap import Platform
from app.language import stems
from app.llm.usage import Usage
from app.research.references import Reference, bibliography
from app.research.search import by_document, gather, reference_of
from app.retrieval.coverage import coverage
from app.stores.ports import EVERYWHERE, Hit
from app.workspace.drafting import Drafted, draft

PROMPT = "research-summary"
MOST_DOCUMENTS = 6
ENOUGH = 0.6  # of the topic's information, that a document must hold to be summarised beside the best one
NOTHING = "The documents do not say enough about this."


class Cited(BaseModel):
    """A document the summary rests on."""

    document: str
    title: str
    authors: list[str]
    year: str
    venue: str


class Entry(BaseModel):
    """What one document says; the marks in `text` count its own citations."""

    source: Cited
    text: str
    citations: list[Citation]


class Summary(BaseModel):
    """The literature on a topic, the best document first; no entries where the documents say too little.

    `coverage` in [0, 1] is the share of the topic's information that all passages hold. `offline`: the sentences are
    copied from the documents, none is generated.
    """

    topic: str
    coverage: float
    entries: list[Entry]
    usage: Usage
    model: str
    prompt_version: str
    offline: bool
    latency_ms: float

    def references(self) -> list[Reference]:
        """What the summary rests on, in its order."""
        sources = [entry.source for entry in self.entries]
        return [Reference(s.document, s.title, tuple(s.authors), s.year, s.venue) for s in sources]

    def bibtex(self) -> str:
        """The sources as BibTeX."""
        return bibliography(self.references())

    def markdown(self) -> str:
        """The summary with its quotes and a list of sources."""
        lines = [f"# {' '.join(self.topic.split())}", ""]
        if not self.entries:
            return "\n".join([*lines, NOTHING, ""])
        for entry, source in zip(self.entries, self.references(), strict=True):
            lines += [f"## {source.title}", "", entry.text, ""]
            lines += [f"{c.number}. {c.locator}: “{' '.join(c.quote.split())}”" for c in entry.citations]
            lines.append("")
        return "\n".join([*lines, "## Sources", "", *(f"- {source.line}" for source in self.references()), ""])


async def summarise(platform: Platform, topic: str, asker: str, where: Mapping[str, str] = EVERYWHERE) -> Summary:
    """Summarise what the documents with all tags of `where` say about `topic`.

    Raises:
        ModelUnavailable: the model broke off in the middle.
        TooManyTokens, BudgetExceeded: a request does not fit into what is left.
    """
    started = time.perf_counter()
    evidence = await gather(platform, topic, where)
    enough = evidence.coverage >= platform.settings.retrieval.min_evidence
    chosen = _choose(platform, topic, by_document(evidence.hits)) if enough else []
    drafts = await asyncio.gather(*(draft(platform, PROMPT, topic, hits, asker) for hits in chosen))
    entries = [_entry(hits, drafted) for hits, drafted in zip(chosen, drafts, strict=True) if drafted.citations]
    return Summary(
        topic=topic,
        coverage=round(evidence.coverage, 3),
        entries=entries,
        usage=sum((drafted.usage for drafted in drafts), Usage()),
        model=drafts[0].model if drafts else platform.model.model_name,
        prompt_version=platform.prompts.stable(PROMPT).label if not drafts else drafts[0].prompt,
        offline=any(drafted.offline for drafted in drafts),
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _choose(platform: Platform, topic: str, found: Mapping[str, Sequence[Hit]]) -> list[Sequence[Hit]]:
    """The passages of those documents that hold enough of the topic themselves, most of it first."""
    words = stems(topic)
    statistics = platform.index.word_statistics(sorted(set(words)))
    weighed = [(coverage(words, hits, statistics), hits) for hits in found.values()]
    best = max((share for share, _ in weighed), default=0.0)
    kept = sorted((pair for pair in weighed if pair[0] >= ENOUGH * best), key=lambda pair: -pair[0])
    return [hits for _, hits in kept[:MOST_DOCUMENTS]]


def _entry(hits: Sequence[Hit], drafted: Drafted) -> Entry:
    known = reference_of(hits[0])
    source = Cited(
        document=known.document,
        title=known.title,
        authors=list(known.authors),
        year=known.year,
        venue=known.venue,
    )
    return Entry(source=source, text=drafted.text, citations=drafted.citations)
