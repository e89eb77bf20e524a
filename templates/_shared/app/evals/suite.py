"""A suite: golden cases, the task they put to the system, and how its outcome is scored."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import Any

from pydantic_ai.models import Model
from pydantic_evals import Dataset
from pydantic_evals.reporting import ReportCase

from app.bootstrap import Platform, open_platform
from app.errors import CannotDecide, ModelUnavailable
from app.evals.answers import Judgement
from app.evals.golden import dataset_version, load_dataset
from app.evals.judges import Judge, judge_model
from app.evals.records import SERVED, CaseResult, RunResult, current_commit
from app.evals.witness import require_answers, unassisted, witnessed
from app.llm.factory import is_offline
from app.prompts.registry import PromptRegistry
from app.settings import Settings, StoreSettings

CONCURRENCY = 4

Task = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True)
class Suite:
    """What a project evaluates.

    `prepare` fills an empty platform and returns the task; `observe` scores what it did with a case. A judge scores
    each of `rubrics` from what `judged` shows it of the outcome. A critical case may lose nothing in `must_hold`.
    `prompt` is the one that `app eval compare --variant prompt=VERSION` means. `serve` returns the task on an index as
    it is served, where that makes sense; `draft` makes a golden case of a reader's judgement, without its name.
    `setup` tells what else the numbers depend on, and the variants `compared` stand in the results beside the setup
    that is, under the name that `present` gives it. `offline_variants` says why they score offline as they do.
    """

    name: str
    dataset: type[Dataset[Any, Any, Any]]
    file: str
    prepare: Callable[[Platform], Awaitable[Task]]
    observe: Callable[[ReportCase[Any, Any, Any]], CaseResult]
    judged: Callable[[Any], object]
    rubrics: Mapping[str, str] = field(default_factory=dict)
    must_hold: tuple[str, ...] = ()
    prompt: str = ""
    serve: Callable[[Platform, Dataset[Any, Any, Any]], Awaitable[Task]] | None = None
    draft: Callable[[Judgement], dict[str, object]] | None = None
    setup: Callable[[Settings], Mapping[str, str]] = lambda _: {}
    compared: tuple[str, ...] = ()
    present: Callable[[Settings], str] = lambda _: "now"
    offline_variants: str = ""


async def run_suite(
    suite: Suite,
    settings: Settings,
    judge: Model | None = None,
    prompts: Mapping[str, str] | None = None,
    *,
    served: bool = False,
) -> RunResult:
    """Put every case to a system of its own, on an index that holds the samples and nothing else.

    `judge` takes the place of the model that `APP_LLM__JUDGE` names, `prompts` that of the served versions. With
    `served` the index is the one in use, and the run's name says so. No fallback takes over, for the judge neither.

    Raises:
        ConfigurationError: the golden file or a setting does not fit.
        CannotDecide: a case could not run, or the model did not answer in it.
    """
    settings = unassisted(settings)
    path = settings.evals_dir / "golden" / suite.file
    dataset = load_dataset(suite.dataset, path)
    judge = judge or judge_model(settings.llm)
    if judge:
        for metric, rubric in suite.rubrics.items():
            dataset.add_evaluator(Judge(metric, rubric, judge, settings.llm.timeout_seconds, suite.judged))
    with _place(settings, served) as own, open_platform(own) as opened:
        prompted = PromptRegistry(settings.prompts_dir, prompts)
        platform = replace(opened, prompts=prompted, gateway=witnessed(opened.gateway))
        task = await _begin(suite, platform, dataset, served=served)
        report = await dataset.evaluate(task, progress=False, max_concurrency=CONCURRENCY)
        setup = {**describe_setup(platform, judge), **suite.setup(settings)}
    require_answers(report, setup["model"])
    return RunResult(
        suite=suite.name + (SERVED if served else ""),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=current_commit(),
        dataset=dataset_version(path),
        offline=is_offline(settings.llm),
        setup=setup,
        cases=tuple(_with_judgements(suite.observe(case), case) for case in report.cases),
    )


@contextmanager
def _place(settings: Settings, served: bool) -> Iterator[Settings]:
    """The settings with the store in use, or with an empty one for the block."""
    if served:
        yield settings
        return
    with TemporaryDirectory(prefix="eval-") as folder:
        yield settings.model_copy(update={"store": StoreSettings(url=f"sqlite:///{folder}/eval.db")})


async def _begin(suite: Suite, platform: Platform, dataset: Dataset[Any, Any, Any], *, served: bool) -> Task:
    """The task, with the index that it needs.

    Raises:
        CannotDecide: a model that makes the index did not answer.
    """
    try:
        return await (suite.serve(platform, dataset) if served and suite.serve else suite.prepare(platform))
    except ModelUnavailable as error:
        raise CannotDecide(f"The evaluation could not begin: {error.message}", error.remedy) from error


def describe_setup(platform: Platform, judge: Model | None) -> dict[str, str]:
    """What the numbers of a run depend on besides the code, in words for a table."""
    settings = platform.settings
    return {
        "model": platform.model.model_name,
        "small model": settings.llm.small,
        "prompts": ", ".join(prompt.label for prompt in platform.prompts.served()),
        "embedding": settings.embedding.model,
        "store": settings.store.url.partition(":")[0],
        **{name: f"{value:g}" for name, value in settings.retrieval if isinstance(value, int | float)},
        "judge": judge.model_name if judge else "none",
    }


def _with_judgements(result: CaseResult, case: ReportCase[Any, Any, Any]) -> CaseResult:
    """The case with the judges' scores, and the reasons of those that gave none."""
    judged = {name: float(score.value) for name, score in case.scores.items()}
    missing = {failure.name: failure.error_message for failure in case.evaluator_failures}
    return replace(result, scores={**result.scores, **judged}, missing=missing)
