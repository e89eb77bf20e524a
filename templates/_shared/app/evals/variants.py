"""Variants of the setup, run over the same cases and ranked: prompts, models, retrieval settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from statistics import fmean

from pydantic import BaseModel, ValidationError

from app.errors import InvalidInput
from app.evals.records import Percentiles, RunResult
from app.evals.statistics import Estimate, estimate
from app.settings import Settings

NOW = "now"
PROMPT = "prompt"


@dataclass(frozen=True)
class Variant:
    """Settings to try, and prompt versions that are served instead of the stable ones."""

    label: str
    settings: Settings
    prompts: Mapping[str, str]


@dataclass(frozen=True)
class Ranked:
    """A variant's run. `overall` is over the cases' own means, `against` its paired difference to the present setup."""

    label: str
    overall: Estimate
    against: Estimate | None
    metrics: Mapping[str, Estimate]
    latency_ms: Percentiles
    cost_usd: Percentiles
    counts: Mapping[str, float]
    priced_as: str


def read_variant(text: str, settings: Settings, prompt: str) -> Variant:
    """`top_k=3`, `retrieval.top_k=3,llm.primary=openai:gpt-5-mini` or `prompt=v2` as settings to try.

    `prompt` is the one that a bare version belongs to; `prompt=NAME@VERSION` names another.

    Raises:
        InvalidInput: no such setting, or a value that does not fit.
    """
    prompts: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise InvalidInput(f"{part!r} in the variant {text!r} sets nothing.", "Write NAME=VALUE.")
        if name == PROMPT:
            chosen, _, version = value.rpartition("@")
            prompts[chosen or prompt] = version.removeprefix("v")
        else:
            settings = _with(settings, name, value)
    return Variant(text, settings, prompts)


def _with(settings: Settings, name: str, value: str) -> Settings:
    """The settings with one more value."""
    known = {f"{group}.{field}" for group, fields in _groups(settings) for field in type(fields).model_fields}
    found = [full for full in known if name in (full, full.partition(".")[2])]
    if len(found) != 1:
        near = found or get_close_matches(name, {*known, *(full.partition(".")[2] for full in known)}, n=3)
        raise InvalidInput(f"{name!r} names {'several settings' if found else 'no setting'}.", f"{sorted(near)}")
    group, _, field = found[0].partition(".")
    values: BaseModel = getattr(settings, group)
    try:
        changed = type(values).model_validate({**values.model_dump(), field: value})
    except ValidationError as error:
        raise InvalidInput(f"{name}={value}: {error.errors()[0]['msg']}.", "See .env.example.") from None
    return settings.model_copy(update={group: changed})


def _groups(settings: Settings) -> Iterator[tuple[str, BaseModel]]:
    return ((name, group) for name, group in settings if isinstance(group, BaseModel))


def rank(runs: Sequence[tuple[str, RunResult]]) -> list[Ranked]:
    """The runs by their overall mean, the best first; the first one given is the present setup."""
    present = _case_means(runs[0][1])
    ranked = []
    for i, (label, run) in enumerate(runs):
        means = _case_means(run)
        differences = [mean - present[name] for name, mean in means.items() if name in present]
        summary = run.summary()
        overall, against = estimate(list(means.values())), estimate(differences) if i else None
        priced_as = run.setup.get("priced as", "") if run.offline else ""
        spent = (summary.latency_ms, summary.cost_usd, run.counted(), priced_as)
        ranked.append(Ranked(label, overall, against, summary.metrics, *spent))
    return sorted(ranked, key=lambda variant: -variant.overall.mean)


def _case_means(run: RunResult) -> dict[str, float]:
    return {case.name: fmean(case.scores.values()) for case in run.cases if case.scores}
