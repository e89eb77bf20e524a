"""What a good answer is, case by case: the right passages, right citations, right words, or an honest refusal."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict
from pydantic_evals import Dataset
from pydantic_evals.reporting import ReportCase

from app.answering.assistant import PROMPT, Assistant, Reply
from app.answering.support import BY_JUDGE, BY_WORDS, RUBRIC, shown_to_judge, word_support
from app.bootstrap import Platform
from app.errors import CannotDecide
from app.evals.answers import Judgement
from app.evals.golden import UNFINISHED
from app.evals.metrics import hit, phrases_present, precision, recall, reciprocal_rank
from app.evals.records import CaseResult, Source
from app.evals.suite import Suite
from app.ingestion.commands import ingest_all
from app.ingestion.library import Library
from app.ingestion.sources import SAMPLES

RUBRICS = {
    BY_JUDGE: RUBRIC,
    "relevance_judge": (
        "The answer addresses the question completely and adds nothing that was not asked. Score from 0 to 1; "
        "saying that one does not know scores 1 if the passages do not hold the answer, and 0 if they do."
    ),
}


class GoldenQuestion(BaseModel):
    """The question as a reader would ask it."""

    model_config = ConfigDict(extra="forbid")

    question: str


class Expected(BaseModel):
    """Phrases a right answer states, and the documents that hold it; no documents means: refuse."""

    model_config = ConfigDict(extra="forbid")

    contains: list[str]
    documents: list[str]


class CaseMetadata(BaseModel):
    """What the case tests; a critical one must never get worse."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["single", "lookup", "paraphrase", "two-documents", "versions", "unanswerable"]
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


def observe(case: ReportCase[GoldenQuestion, Reply, CaseMetadata]) -> CaseResult:
    """The case as results, page and gate show it."""
    expected, answer = cast("Expected", case.expected_output), case.output.answer
    metadata = cast("CaseMetadata", case.metadata)
    documents = ", ".join(expected.documents)
    return CaseResult(
        name=case.name,
        kind=metadata.kind,
        critical=metadata.critical,
        question=case.inputs.question,
        expected=f"{'; '.join(expected.contains)} ({documents})" if documents else "A refusal: no document tells.",
        got=answer.answer,
        sources=tuple(Source(c.document, c.locator, c.quote) for c in answer.citations),
        scores=score(expected, case.output),
        latency_ms=answer.latency_ms,
        cost_usd=answer.usage.cost_usd,
    )


async def prepare(platform: Platform) -> Callable[[GoldenQuestion], Awaitable[Reply]]:
    """Ingest the samples and return the task: question in, answer and its passages out."""
    await ingest_all(Library(platform), [SAMPLES])
    return _answer_with(platform)


async def serve(platform: Platform, dataset: Dataset[Any, Any, Any]) -> Callable[[GoldenQuestion], Awaitable[Reply]]:
    """The same task on the documents that the platform holds.

    Raises:
        CannotDecide: none of the documents that the cases name is among them.
    """
    named = {name for case in dataset.cases for name in cast("Expected", case.expected_output).documents}
    if not any(platform.catalog.known(name) for name in named):
        raise CannotDecide(
            f"The library holds none of the {len(named)} documents that the golden cases name.",
            "`app ingest samples`, or write golden cases about your own documents (evals/README.md).",
        )
    return _answer_with(platform)


def _answer_with(platform: Platform) -> Callable[[GoldenQuestion], Awaitable[Reply]]:
    assistant = Assistant(platform)

    async def answer(case: GoldenQuestion) -> Reply:
        return await assistant.answer(case.question)

    return answer


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


SUITE = Suite(
    name="questions",
    dataset=Dataset[GoldenQuestion, Expected, CaseMetadata],
    file="questions.yaml",
    prepare=prepare,
    observe=observe,
    judged=shown_to_judge,
    rubrics=RUBRICS,
    must_hold=("hit@k", "citation_accuracy", "key_phrases", "faithfulness_words", "refusal_correct"),
    prompt=PROMPT,
    serve=serve,
    draft=draft,
)
