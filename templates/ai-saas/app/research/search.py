"""Search over all documents at once: which ones speak about it, and where."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from app.bootstrap import Platform
from app.research.references import Reference, reference
from app.retrieval.retriever import Evidence, Retriever
from app.stores.ports import EVERYWHERE, Hit

MOST_PASSAGES = 30
MOST_PER_DOCUMENT = 3


class FoundPassage(BaseModel):
    """A passage that speaks about the query, and where it stands."""

    locator: str
    text: str
    score: float


class Finding(BaseModel):
    """One document that speaks about the query, with its best passages."""

    document: str
    reference: str
    score: float
    passages: list[FoundPassage]


class Findings(BaseModel):
    """Documents, best first. `coverage` in [0, 1]: the share of the query's information that they hold together."""

    query: str
    coverage: float
    documents: list[Finding]


async def find(platform: Platform, query: str, where: Mapping[str, str] = EVERYWHERE) -> Findings:
    """The documents that speak about `query`; only passages that carry all tags of `where`."""
    evidence = await gather(platform, query, where)
    found = [_finding(document, hits) for document, hits in by_document(evidence.hits).items()]
    return Findings(query=query, coverage=round(evidence.coverage, 3), documents=found)


async def gather(platform: Platform, query: str, where: Mapping[str, str] = EVERYWHERE) -> Evidence:
    """Many more passages than an answer needs, so that several documents have their say."""
    settings = platform.settings.retrieval.model_copy(update={"top_k": MOST_PASSAGES})
    return await Retriever(platform.index, platform.embedder, settings).search(query, where)


def by_document(hits: Sequence[Hit]) -> dict[str, list[Hit]]:
    """The best passages of each document, documents in the order of their best passage."""
    found: dict[str, list[Hit]] = {}
    for hit in hits:
        passages = found.setdefault(hit.chunk.document, [])
        if len(passages) < MOST_PER_DOCUMENT:
            passages.append(hit)
    return found


def reference_of(hit: Hit) -> Reference:
    """Who wrote what a passage is of."""
    return reference(hit.chunk.document, dict(hit.chunk.tags))


def _finding(document: str, hits: Sequence[Hit]) -> Finding:
    passages = [FoundPassage(locator=h.chunk.locator, text=h.chunk.text, score=round(h.score, 6)) for h in hits]
    line = reference_of(hits[0]).line
    return Finding(document=document, reference=line, score=passages[0].score, passages=passages)
