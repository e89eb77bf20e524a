"""The golden cases of the developers' assistant: questions, code searches, and what an architecture must say."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_evals import Dataset
from pydantic_evals.reporting import ReportCase

from app.answering.assistant import Assistant, Reply
from app.answering.scoring import MUST_HOLD, RUBRICS, CaseMetadata, Expected, draft, score
from app.answering.support import shown_to_judge
from app.bootstrap import Platform
from app.devtools.architecture import Statement
from app.devtools.codebase import FoundCode, architecture_of, search_code
from app.devtools.flavour import FLAVOUR
from app.evals.metrics import hit, phrases_present, reciprocal_rank
from app.evals.records import CaseResult, Source
from app.evals.suite import Suite
from app.workspace.evaluation import ingest_samples

FOUND = "found"


class DevtoolsTask(BaseModel):
    """One of three: a `question`, a `search` in files of a `kind`, or the `topic` of a repository's `architecture`."""

    model_config = ConfigDict(extra="forbid")

    question: str = ""
    search: str = ""
    kind: str = ""
    architecture: str = ""
    topic: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.question, self.search, self.architecture))) != 1:
            raise ValueError("a case has a question, or search, or architecture")
        return self

    @property
    def shown(self) -> str:
        """The task in words."""
        if self.architecture:
            return f"Explain {self.architecture}: {self.topic}."
        return self.question or f"Find: {self.search} ({self.kind})."


class DevtoolsExpected(Expected):
    """Phrases and documents of an answer; `names`, any of which a search must find; `statements` to be made."""

    contains: list[str] = Field(default_factory=list)
    names: list[str] = Field(default_factory=list)
    statements: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What the system made of a task: an answer, what a search found, or what was said on a topic; and its time."""

    answer: Reply | None
    found: Sequence[FoundCode]
    statements: Sequence[Statement]
    seconds: float


def score_search(expected: DevtoolsExpected, found: Sequence[FoundCode]) -> dict[str, float]:
    """Whether a wanted piece of the wanted file was found at all, and one over its rank."""
    ranked = [f"{each.passage.document} {each.name}" for each in found]
    wanted = [f"{document} {name}" for document in expected.documents for name in expected.names]
    return {FOUND: hit(ranked, wanted), "piece_mrr": reciprocal_rank(ranked, wanted)}


def score_statements(expected: DevtoolsExpected, statements: Sequence[Statement]) -> dict[str, float]:
    """The share of the expected phrases that stand in a statement with a proof."""
    said = "\n".join(statement.text for statement in statements if statement.proofs)
    return {FOUND: phrases_present(said, expected.statements)}


def observe(case: ReportCase[DevtoolsTask, Outcome, CaseMetadata]) -> CaseResult:
    """The case as results, page and gate show it."""
    expected, metadata = cast("DevtoolsExpected", case.expected_output), cast("CaseMetadata", case.metadata)
    outcome, cost = case.output, 0.0
    if outcome.answer:
        answer = outcome.answer.answer
        scores, wanted, got = score(expected, outcome.answer), expected.describe(), answer.answer
        sources = tuple(Source(c.document, c.locator, c.quote) for c in answer.citations)
        cost = answer.usage.cost_usd
    elif case.inputs.search:
        scores = score_search(expected, outcome.found)
        wanted = f"{' or '.join(expected.names)} ({', '.join(expected.documents)})"
        got = "; ".join(f"{each.passage.document} {each.name}" for each in outcome.found) or "nothing"
        sources = tuple(Source(e.passage.document, e.passage.locator, e.quote) for e in outcome.found)
    else:
        scores, wanted = score_statements(expected, outcome.statements), "; ".join(expected.statements)
        got = " ".join(statement.text for statement in outcome.statements)
        sources = tuple(Source(p.document, p.locator, p.quote) for s in outcome.statements for p in s.proofs)
    return CaseResult(
        name=case.name,
        kind=metadata.kind,
        critical=metadata.critical,
        question=case.inputs.shown,
        expected=wanted,
        got=got,
        sources=sources,
        scores=scores,
        latency_ms=round(outcome.seconds * 1000, 1),
        cost_usd=cost,
    )


async def prepare(platform: Platform) -> Callable[[DevtoolsTask], Awaitable[Outcome]]:
    """Ingest the sample repository and return the task."""
    await ingest_samples(platform, FLAVOUR)
    assistant = Assistant(platform, FLAVOUR.prompt)

    async def run(task: DevtoolsTask) -> Outcome:
        started = time.perf_counter()
        answer = await assistant.answer(task.question) if task.question else None
        found = await search_code(platform, task.search, task.kind) if task.search else []
        told = architecture_of(platform, task.architecture).statements if task.architecture else ()
        on_topic = [statement for statement in told if statement.topic == task.topic]
        return Outcome(answer, found, on_topic, time.perf_counter() - started)

    return run


def judged(outcome: Outcome) -> object:
    """What a judge reads; searches and statements are exact and need none, so they claim nothing."""
    return shown_to_judge(outcome.answer) if outcome.answer else {"answer": "Nothing is claimed.", "passages": []}


SUITE = Suite(
    name="devtools",
    dataset=Dataset[DevtoolsTask, DevtoolsExpected, CaseMetadata],
    file="devtools-cases.yaml",
    prepare=prepare,
    observe=observe,
    judged=judged,
    rubrics=RUBRICS,
    must_hold=(*MUST_HOLD, FOUND),
    prompt=FLAVOUR.prompt,
    draft=draft,
)
