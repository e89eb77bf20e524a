"""The golden cases of the legal assistant: questions to contracts, risk lists, and comparisons, in one suite."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_evals import Dataset
from pydantic_evals.reporting import ReportCase

from app.answering.assistant import Assistant, Reply
from app.answering.scoring import MUST_HOLD, RUBRICS, CaseMetadata, Expected, draft, score
from app.answering.support import shown_to_judge
from app.bootstrap import Platform
from app.evals.records import CaseResult, Source
from app.evals.suite import Suite
from app.legal.comparison import State
from app.legal.contracts import Comparison, compare_contracts, read_contract
from app.legal.flavour import FLAVOUR
from app.legal.risks import Risk, risks
from app.stores.catalog import document_id
from app.workspace.evaluation import ingest_samples

FINDINGS = "findings"


class LegalTask(BaseModel):
    """One of three: a `question`, a contract whose `risks` to list, or two contracts to `compare`."""

    model_config = ConfigDict(extra="forbid")

    question: str = ""
    risks: str = ""
    compare: tuple[str, str] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.question, self.risks, self.compare))) != 1:
            raise ValueError("a case has a question, or risks, or compare")
        return self

    @property
    def shown(self) -> str:
        """The task in words."""
        if self.compare:
            return f"Compare {self.compare[0]} with {self.compare[1]}."
        return self.question or f"List the risks of {self.risks}."


class LegalExpected(Expected):
    """For a question, phrases and documents; for a risk list, all its `rules`; for a comparison, clauses' `states`."""

    contains: list[str] = Field(default_factory=list)
    rules: list[str] = Field(default_factory=list)
    states: dict[str, State] = Field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What the system made of a task; `seconds` it took."""

    made: Reply | list[Risk] | Comparison
    seconds: float


def score_risks(expected: LegalExpected, found: list[Risk]) -> dict[str, float]:
    """The share of right ones among the rules that fired or should have; 1 where none did and none should."""
    fired, wanted = {risk.rule.name for risk in found}, set(expected.rules)
    return {FINDINGS: len(fired & wanted) / len(fired | wanted) if fired | wanted else 1.0}


def score_comparison(expected: LegalExpected, comparison: Comparison) -> dict[str, float]:
    """The share of the expected clauses, by title, that are in the expected state."""
    states = {pair.clause.title: pair.state for pair in comparison.pairs}
    right = [states.get(title) == state for title, state in expected.states.items()]
    return {FINDINGS: sum(right) / len(right)}


def observe(case: ReportCase[LegalTask, Outcome, CaseMetadata]) -> CaseResult:
    """The case as results, page and gate show it."""
    expected, metadata = cast("LegalExpected", case.expected_output), cast("CaseMetadata", case.metadata)
    made, cost, sources = case.output.made, 0.0, ()
    if isinstance(made, Reply):
        answer = made.answer
        scores, wanted, got, cost = score(expected, made), expected.describe(), answer.answer, answer.usage.cost_usd
        sources = tuple(Source(c.document, c.locator, c.quote) for c in answer.citations)
    elif isinstance(made, Comparison):
        scores = score_comparison(expected, made)
        wanted = "; ".join(f"{title}: {state.value}" for title, state in expected.states.items())
        got = "; ".join(f"{pair.clause.title}: {pair.state.value}" for pair in made.pairs)
    else:
        scores, wanted = score_risks(expected, made), ", ".join(expected.rules) or "no risk"
        got = ", ".join(risk.rule.name for risk in made) or "no risk"
        sources = tuple(Source(r.clause.document, r.clause.locator, r.quote) for r in made if r.clause)
    return CaseResult(
        name=case.name,
        kind=metadata.kind,
        critical=metadata.critical,
        question=case.inputs.shown,
        expected=wanted,
        got=got,
        sources=sources,
        scores=scores,
        latency_ms=round(case.output.seconds * 1000, 1),
        cost_usd=cost,
    )


async def prepare(platform: Platform) -> Callable[[LegalTask], Awaitable[Outcome]]:
    """Ingest the sample contracts and return the task."""
    await ingest_samples(platform, FLAVOUR)
    assistant = Assistant(platform, FLAVOUR.prompt)

    async def work(task: LegalTask) -> Reply | list[Risk] | Comparison:
        if task.compare:
            first, second = map(document_id, task.compare)
            return compare_contracts(platform, first, second)
        if task.risks:
            return risks(read_contract(platform, document_id(task.risks)).clauses)
        return await assistant.answer(task.question)

    async def run(task: LegalTask) -> Outcome:
        started = time.perf_counter()
        made = await work(task)
        return Outcome(made, time.perf_counter() - started)

    return run


def judged(outcome: Outcome) -> object:
    """What a judge reads; risk lists and comparisons are exact and need none, so they are shown as what they are."""
    return (
        shown_to_judge(outcome.made)
        if isinstance(outcome.made, Reply)
        else {"answer": "Made by rules.", "passages": []}
    )


SUITE = Suite(
    name="legal",
    dataset=Dataset[LegalTask, LegalExpected, CaseMetadata],
    file="legal-cases.yaml",
    prepare=prepare,
    observe=observe,
    judged=judged,
    rubrics=RUBRICS,
    must_hold=(*MUST_HOLD, FINDINGS),
    prompt=FLAVOUR.prompt,
    draft=draft,
)
