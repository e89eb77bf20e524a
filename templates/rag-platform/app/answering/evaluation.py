"""What a good answer is, case by case: the right passages, right citations, right words, or an honest refusal."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict
from pydantic_evals import Dataset
from pydantic_evals.reporting import ReportCase

from app.answering.assistant import PROMPT, Answer, Assistant, Reply
from app.answering.citations import MARK, Citation, support
from app.bootstrap import Platform
from app.evals.metrics import hit, phrases_present, precision, recall, reciprocal_rank
from app.evals.records import CaseResult, Source
from app.evals.suite import Suite
from app.ingestion.commands import ingest_all
from app.ingestion.library import Library
from app.ingestion.sources import SAMPLES
from app.language import sentences
from app.stores.ports import Hit

RUBRICS = {
    "faithfulness_judge": (
        "Every claim of the answer follows from the passages. Score the share of claims that do, from 0 to 1; "
        "an answer that says it does not know claims nothing and scores 1."
    ),
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
    return scores if answer.refused else {**scores, "faithfulness_words": word_support(answer, reply.evidence.hits)}


def word_support(answer: Answer, hits: Sequence[Hit]) -> float:
    """The mean, over the answer's sentences, of the share of words and numbers that its cited passages contain.

    A sentence without a mark is held against the marks of the next one that has some. This counts words; it does not
    see a "not" that was left out. 0 for an answer without a sentence.
    """
    passages = {c.number: _passage(c, hits) for c in answer.citations}
    supports: list[float] = []
    waiting: list[str] = []
    for sentence in sentences(answer.answer):
        waiting.append(MARK.sub("", sentence))
        cited = [passages[int(number)] for number in MARK.findall(sentence) if int(number) in passages]
        if cited:
            supports += [max(support(claim, passage) for passage in cited) for claim in waiting]
            waiting.clear()
    supports += [0.0] * len(waiting)
    return sum(supports) / len(supports) if supports else 0.0


def _passage(citation: Citation, hits: Sequence[Hit]) -> str:
    """The text of the passage that a citation quotes; empty when it is not among the retrieved ones."""
    place = (citation.document, citation.locator)
    texts = (
        h.chunk.text for h in hits if (h.chunk.document, h.chunk.locator) == place and citation.quote in h.chunk.text
    )
    return next(texts, "")


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


def judged(reply: Reply) -> dict[str, object]:
    """What a judge reads: the answer, and the passages it was to be made of."""
    return {"answer": reply.answer.answer, "passages": [found.chunk.text for found in reply.evidence.hits]}


async def prepare(platform: Platform) -> Callable[[GoldenQuestion], Awaitable[Reply]]:
    """Ingest the samples and return the task: question in, answer and its passages out."""
    await ingest_all(Library(platform), [SAMPLES])
    assistant = Assistant(platform)

    async def answer(case: GoldenQuestion) -> Reply:
        return await assistant.answer(case.question)

    return answer


SUITE = Suite(
    name="questions",
    dataset=Dataset[GoldenQuestion, Expected, CaseMetadata],
    file="questions.yaml",
    prepare=prepare,
    observe=observe,
    judged=judged,
    rubrics=RUBRICS,
    must_hold=("hit@k", "citation_accuracy", "key_phrases", "faithfulness_words", "refusal_correct"),
    prompt=PROMPT,
)
