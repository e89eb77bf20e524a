"""How an answer from documents is scored: the right passages, right citations, right words, or an honest refusal."""

from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict
from pydantic_evals.reporting import ReportCase

from app.answering.assistant import Reply
from app.answering.support import BY_JUDGE, BY_WORDS, RUBRIC, word_support
from app.evals.answers import Judgement
from app.evals.golden import UNFINISHED
from app.evals.metrics import hit, phrases_present, precision, recall, reciprocal_rank
from app.evals.records import CaseResult, Source

RUBRICS = {
    BY_JUDGE: RUBRIC,
    "relevance_judge": (
        "The answer addresses the question completely and adds nothing that was not asked. Score from 0 to 1; "
        "saying that one does not know scores 1 if the passages do not hold the answer, and 0 if they do."
    ),
}
Kind = TypeVar("Kind", bound=str)
MUST_HOLD = ("hit@k", "citation_accuracy", "key_phrases", "faithfulness_words", "refusal_correct")


class GoldenQuestion(BaseModel):
    """The question as a reader would ask it."""

    model_config = ConfigDict(extra="forbid")

    question: str


class Expected(BaseModel):
    """Phrases a right answer states, and the documents that hold it; no documents means: refuse."""

    model_config = ConfigDict(extra="forbid")

    contains: list[str]
    documents: list[str]

    def describe(self) -> str:
        """What results and pages show beside the answer."""
        documents = ", ".join(self.documents)
        return f"{'; '.join(self.contains)} ({documents})" if documents else "A refusal: no document tells."


class CaseMetadata(BaseModel, Generic[Kind]):
    """What the case tests, of the kinds that a golden set knows; a critical one must never get worse."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    critical: bool


def score(expected: Expected, reply: Reply) -> dict[str, float]:
    """The case's scores; an unanswerable case has only a refusal score.

    "@k" is over the passages that retrieval returned (`APP_RETRIEVAL__TOP_K`).
    """
    answer, relevant = reply.answer, expected.documents
    if not relevant:
        return {"refusal_correct": float(answer.refused)}
    passages = [hit.chunk.document for hit in reply.evidence.hits]
    ranked = list(dict.fromkeys(passages))
    said = " ".join([answer.answer, *(citation.quote for citation in answer.citations)])
    scores = {
        "hit@k": hit(ranked, relevant),
        "recall@k": recall(ranked, relevant),
        "mrr": reciprocal_rank(ranked, relevant),
        "precision@k": precision(passages, relevant),
        "citation_accuracy": precision([c.document for c in answer.citations], relevant),
        "key_phrases": phrases_present(said, expected.contains),
        "refusal_correct": float(not answer.refused),
    }
    return scores if answer.refused else {**scores, BY_WORDS: word_support(answer, reply.evidence.hits)}


def observe(case: ReportCase[Any, Any, Any]) -> CaseResult:
    """The case as results, page and gate show it."""
    expected, answer = cast("Expected", case.expected_output), case.output.answer
    metadata = cast("CaseMetadata[str]", case.metadata)
    return CaseResult(
        name=case.name,
        kind=metadata.kind,
        critical=metadata.critical,
        question=case.inputs.question,
        expected=expected.describe(),
        got=answer.answer,
        sources=tuple(Source(c.document, c.locator, c.quote) for c in answer.citations),
        scores=score(expected, case.output),
        latency_ms=answer.latency_ms,
        cost_usd=answer.usage.cost_usd,
    )


def draft(judgement: Judgement) -> dict[str, object]:
    """A golden case of a question that a reader asked; what a right answer says is left to a person.

    A helpful answer names its documents, and a helpful refusal is a whole case: nothing is to be found.
    """
    helpful, documents = judgement.rating > 0, list(dict.fromkeys(s.document for s in judgement.sources))
    refusal = helpful and not documents
    return {
        "inputs": {"question": judgement.question},
        "expected_output": {
            "contains": [] if refusal else [UNFINISHED],
            "documents": documents if helpful else [UNFINISHED],
        },
        "metadata": {"kind": "unanswerable" if refusal else UNFINISHED, "critical": False},
    }
