"""What a good suggestion is, case by case: the right articles and words, and a person exactly where one is needed."""

from collections.abc import Awaitable, Callable
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict
from pydantic_evals import Dataset
from pydantic_evals.reporting import ReportCase

from app.answering import scoring
from app.answering.scoring import RUBRICS
from app.bootstrap import Platform
from app.evals.metrics import hit, phrases_present, precision, recall, reciprocal_rank
from app.evals.records import CaseResult, Source
from app.evals.suite import Suite
from app.support.flavour import FLAVOUR
from app.support.replies import PROMPT, Suggested, suggest
from app.workspace.evaluation import ingest_samples

EVALUATION = "evaluation"  # who asks
Kind = Literal["single", "lookup", "paraphrase", "chatty", "unanswerable", "handover"]  # what a case tests


class GoldenTicket(BaseModel):
    """A ticket as a customer would write it."""

    model_config = ConfigDict(extra="forbid")

    subject: str
    body: str


class Expected(scoring.Expected):
    """Phrases and articles of a right reply; `handover` where a person must answer, whatever the articles say."""

    handover: bool


async def prepare(platform: Platform) -> Callable[[GoldenTicket], Awaitable[Suggested]]:
    """Ingest the samples and return the task: ticket in, suggestion out."""
    await ingest_samples(platform, FLAVOUR)

    async def work(ticket: GoldenTicket) -> Suggested:
        return await suggest(platform, ticket.subject, ticket.body, EVALUATION)

    return work


def observe(case: ReportCase[GoldenTicket, Suggested, scoring.CaseMetadata[Kind]]) -> CaseResult:
    """The case as results, page and gate show it."""
    expected, metadata = cast("Expected", case.expected_output), cast("scoring.CaseMetadata[Kind]", case.metadata)
    suggestion = case.output.suggestion
    who = "a person: " if suggestion.handover else ""
    return CaseResult(
        name=case.name,
        kind=metadata.kind,
        critical=metadata.critical,
        question=f"{case.inputs.subject}: {case.inputs.body}",
        expected=("a person: " if expected.handover else "") + expected.describe(),
        got=who + (suggestion.reply or " ".join(suggestion.reasons)),
        sources=tuple(Source(c.document, c.locator, c.quote) for c in suggestion.citations),
        scores=score(expected, case.output),
        latency_ms=suggestion.latency_ms,
        cost_usd=suggestion.usage.cost_usd,
    )


def score(expected: Expected, outcome: Suggested) -> dict[str, float]:
    """The case's scores; where no article tells, only whether a person was asked for counts."""
    suggestion, relevant = outcome.suggestion, expected.documents
    scores = {"handover_correct": float(suggestion.handover == expected.handover)}
    if not relevant:
        return scores
    passages = [found.chunk.document for found in outcome.hits]
    ranked = list(dict.fromkeys(passages))
    said = " ".join([suggestion.reply, *(citation.quote for citation in suggestion.citations)])
    return {
        **scores,
        "hit@k": hit(ranked, relevant),
        "recall@k": recall(ranked, relevant),
        "mrr": reciprocal_rank(ranked, relevant),
        "precision@k": precision(passages, relevant),
        "citation_accuracy": precision([c.document for c in suggestion.citations], relevant),
        "key_phrases": phrases_present(said, expected.contains),
    }


def shown(outcome: Suggested) -> dict[str, object]:
    """What a judge reads."""
    return {"answer": outcome.suggestion.reply, "passages": [found.chunk.text for found in outcome.hits]}


SUITE = Suite(
    name="support",
    dataset=Dataset[GoldenTicket, Expected, scoring.CaseMetadata[Kind]],
    file="support-cases.yaml",
    prepare=prepare,
    observe=observe,
    judged=shown,
    rubrics=RUBRICS,
    must_hold=("hit@k", "citation_accuracy", "key_phrases", "handover_correct"),
    prompt=PROMPT,
)
