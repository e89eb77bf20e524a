"""What a good answer is, case by case: the golden questions over the sample documents."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, cast

from pydantic_evals import Dataset

from app.answering import scoring
from app.answering.assistant import PROMPT, Assistant, Reply
from app.answering.scoring import MUST_HOLD, RUBRICS, Expected, GoldenQuestion, draft, observe
from app.answering.support import shown_to_judge
from app.bootstrap import Platform
from app.errors import CannotDecide
from app.evals.suite import Suite
from app.ingestion.commands import ingest_all
from app.ingestion.library import Library
from app.ingestion.sources import SAMPLES

Kind = Literal["single", "lookup", "paraphrase", "two-documents", "versions", "unanswerable"]  # what a case tests


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


SUITE = Suite(
    name="questions",
    dataset=Dataset[GoldenQuestion, Expected, scoring.CaseMetadata[Kind]],
    file="questions.yaml",
    prepare=prepare,
    observe=observe,
    judged=shown_to_judge,
    rubrics=RUBRICS,
    must_hold=MUST_HOLD,
    prompt=PROMPT,
    serve=serve,
    draft=draft,
)
