"""A new prompt version against the served one over the golden cases, judged by the gate."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from app.evals.baseline import Acceptance, Baseline
from app.evals.gate import GateResult, Verdict, judge_run
from app.evals.records import RunResult
from app.evals.suite import Suite, run_suite
from app.prompts.registry import PromptRegistry
from app.prompts.versions import Prompt, Scores, write_version
from app.settings import Settings

WORDS: dict[Verdict, Literal["pass", "regression", "undecided"]] = {
    Verdict.PASSED: "pass",
    Verdict.BLOCK: "regression",
    Verdict.UNDECIDED: "undecided",
}


async def evaluate_version(suite: Suite, settings: Settings, prompt: Prompt) -> tuple[GateResult, RunResult]:
    """Run the suite with the served version and with `prompt`, and compare them case by case."""
    served = PromptRegistry(settings.prompts_dir).stable(prompt.name)
    before = await run_suite(suite, settings)
    now = await run_suite(suite, settings, prompts={prompt.name: prompt.front.version})
    acceptance = Acceptance("the registry", before.when, f"{served.label} is served", before.commit, {})
    scores = {case.name: case.scores for case in before.cases}
    baseline = Baseline(suite.name, before.dataset, before.offline, before.setup, scores, (acceptance,))
    return judge_run(now, baseline, settings.gate, suite.must_hold), now


def record_scores(prompt: Prompt, verdict: GateResult, run: RunResult, model: str) -> None:
    """Write the evaluation into the version's file, bound to its text and to the `model` that answered."""
    scores = Scores(
        body_sha256=prompt.body_sha256,
        evaluated=datetime.now(UTC).replace(microsecond=0),
        against=verdict.baseline.why.partition(" ")[0],
        model=model,
        dataset=run.dataset,
        verdict=WORDS[verdict.verdict],
        metrics={name: round(estimate.mean, 4) for name, estimate in run.estimates().items()},
    )
    write_version(replace(prompt, front=prompt.front.model_copy(update={"scores": scores})))
