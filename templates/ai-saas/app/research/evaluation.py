"""What good research assistance is, case by case: right answers and right literature, each from the right papers."""

from collections.abc import Awaitable, Callable
from typing import Literal, cast

from pydantic_evals import Dataset
from pydantic_evals.reporting import ReportCase

from app.answering import scoring
from app.answering.assistant import Assistant, Reply
from app.answering.scoring import MUST_HOLD, RUBRICS, Expected, GoldenQuestion, draft
from app.answering.support import shown_to_judge
from app.bootstrap import Platform
from app.evals.metrics import phrases_present, precision, recall
from app.evals.records import CaseResult, Source
from app.evals.suite import Suite
from app.research.flavour import FLAVOUR
from app.research.summary import Summary, summarise
from app.workspace.evaluation import ingest_samples

EVALUATION = "evaluation"  # who asks
Kind = Literal[  # what a case tests
    "single", "lookup", "paraphrase", "neighbour", "two-documents", "unanswerable", "summary"
]


class GoldenTask(GoldenQuestion):
    """A question, or the topic of a summary."""

    task: Literal["ask", "summary"] = "ask"


async def prepare(platform: Platform) -> Callable[[GoldenTask], Awaitable[Reply | Summary]]:
    """Ingest the samples and return the task."""
    await ingest_samples(platform, FLAVOUR)
    assistant = Assistant(platform, FLAVOUR.prompt)

    async def work(case: GoldenTask) -> Reply | Summary:
        if case.task == "summary":
            return await summarise(platform, case.question, EVALUATION)
        return await assistant.answer(case.question)

    return work


def observe(case: ReportCase[GoldenTask, Reply | Summary, scoring.CaseMetadata[Kind]]) -> CaseResult:
    """The case as results, page and gate show it."""
    if isinstance(case.output, Reply):
        return scoring.observe(case)
    expected, metadata = cast("Expected", case.expected_output), cast("scoring.CaseMetadata[Kind]", case.metadata)
    quotes = [(entry.source.document, citation) for entry in case.output.entries for citation in entry.citations]
    return CaseResult(
        name=case.name,
        kind=metadata.kind,
        critical=metadata.critical,
        question=case.inputs.question,
        expected=expected.describe(),
        got="\n".join(entry.text for entry in case.output.entries),
        sources=tuple(Source(document, c.locator, c.quote) for document, c in quotes),
        scores=score_summary(expected, case.output),
        latency_ms=case.output.latency_ms,
        cost_usd=case.output.usage.cost_usd,
    )


def score_summary(expected: Expected, summary: Summary) -> dict[str, float]:
    """A summary's scores: which papers it rests on, and what it says of them."""
    if not expected.documents:
        return {"refusal_correct": float(not summary.entries)}
    summarised = [entry.source.document for entry in summary.entries]
    said = " ".join(f"{e.text} {' '.join(c.quote for c in e.citations)}" for e in summary.entries)
    return {
        "recall@k": recall(summarised, expected.documents),
        "precision@k": precision(summarised, expected.documents),
        "key_phrases": phrases_present(said, expected.contains),
        "refusal_correct": float(bool(summary.entries)),
    }


def shown(outcome: Reply | Summary) -> dict[str, object]:
    """What a judge reads."""
    if isinstance(outcome, Reply):
        return shown_to_judge(outcome)
    quotes = [citation.quote for entry in outcome.entries for citation in entry.citations]
    return {"answer": "\n".join(entry.text for entry in outcome.entries), "passages": quotes}


SUITE = Suite(
    name="research",
    dataset=Dataset[GoldenTask, Expected, scoring.CaseMetadata[Kind]],
    file="research-cases.yaml",
    prepare=prepare,
    observe=observe,
    judged=shown,
    rubrics=RUBRICS,
    must_hold=MUST_HOLD,
    prompt=FLAVOUR.prompt,
    draft=draft,
)
