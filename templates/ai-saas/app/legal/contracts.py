"""Contracts of one organisation: read from its library as clauses, searched, compared and checked for risks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.answering.citations import best_quote
from app.bootstrap import Platform
from app.errors import InvalidInput, NotFound
from app.legal.clauses import Clause, clauses_of
from app.legal.comparison import ClausePair, compare
from app.legal.risks import Risk, risks
from app.stores.catalog import DocumentRecord, DocumentStatus

DOCUMENT_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Contract:
    """One document of the library as its clauses, in reading order."""

    record: DocumentRecord
    clauses: Sequence[Clause]


@dataclass(frozen=True, slots=True)
class FoundClause:
    """A clause that a search found, and its sentence that is nearest to what was asked."""

    clause: Clause
    quote: str
    score: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two contracts clause by clause, and the risks that only the first, or only the second, holds."""

    first: Contract
    second: Contract
    pairs: Sequence[ClausePair]
    risks_gone: Sequence[Risk]
    risks_come: Sequence[Risk]


def read_contract(platform: Platform, identifier: str) -> Contract:
    """The contract with this document id.

    Raises:
        NotFound: no such document.
        InvalidInput: it is not ready, or no contract.
    """
    if not DOCUMENT_ID.fullmatch(identifier):
        raise NotFound("There is no such document.", "GET …/documents lists what there is.")
    record = platform.catalog.document(identifier)
    if record.status is not DocumentStatus.READY:
        raise InvalidInput(f"{record.name!r} is {record.status.value}.", record.reason or "Try again in a moment.")
    return Contract(record, clauses_of(platform.index.passages(record.name)))


async def find_clauses(platform: Platform, question: str) -> list[FoundClause]:
    """The clauses that speak about `question`, best first, each once; none where the evidence is too thin."""
    evidence = await platform.retriever.search(question)
    if evidence.coverage < platform.settings.retrieval.min_evidence:
        return []
    found: dict[tuple[str, str], FoundClause] = {}
    for hit in evidence.hits:
        passage = hit.chunk
        clause = Clause(passage.document, passage.locator, passage.text)
        quote = best_quote(question, passage.text)
        found.setdefault((passage.document, passage.locator), FoundClause(clause, quote, round(hit.score, 6)))
    return list(found.values())


def compare_contracts(platform: Platform, first: str, second: str) -> Comparison:
    """Two contracts by their document ids.

    Raises:
        NotFound, InvalidInput: as for `read_contract`.
    """
    before, now = read_contract(platform, first), read_contract(platform, second)
    old, new = risks(before.clauses), risks(now.clauses)
    kept = {risk.rule.name for risk in old} & {risk.rule.name for risk in new}
    gone, come = ([risk for risk in side if risk.rule.name not in kept] for side in (old, new))
    return Comparison(before, now, compare(before.clauses, now.clauses), gone, come)


def contracts_of(platform: Platform) -> list[DocumentRecord]:
    """Every document that is ready, by name."""
    return platform.catalog.documents(status=DocumentStatus.READY)
