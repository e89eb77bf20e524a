"""cohort.yml: what a cohort builds, who is in it, where the repositories go and how they are judged."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StrictStr, ValidationError

from shipfolio import untrusted_yaml
from shipfolio.check.rubric import known
from shipfolio.check.weights import Weights
from shipfolio.errors import UsageError
from shipfolio.hints import did_you_mean
from shipfolio.questions import Question, Questionnaire

FREE_COLUMNS = ("project_name", "description")
SAMPLE = "docs/instructors.md has a sample; `shipfolio schema cohort` describes every key"


def _destination(pattern: str) -> str:
    name = Path(pattern).name
    if pattern.count("{id}") != 1 or "{id}" not in name or "{" in pattern.replace("{id}", ""):
        raise ValueError("must hold {id} once, in its last part, as in out/{id}")
    if ".." in Path(pattern).parts:
        raise ValueError("must not climb with `..`")
    return pattern


def _remote(pattern: str) -> str:
    if pattern and ("{id}" not in pattern or pattern.startswith("-") or "::" in pattern):
        raise ValueError("must be a URL that git can push to, with {id} in it")
    return pattern


class Grading(Weights):
    """The rubric of a cohort: pass mark, weights, and the deadline."""

    deadline: AwareDatetime | date | None = Field(
        default=None, description="A date (until its end, UTC) or a time with its zone; later commits are shown as late"
    )

    @property
    def last_second(self) -> float | None:
        """The deadline in seconds since 1970."""
        if self.deadline is None:
            return None
        if isinstance(self.deadline, datetime):
            return self.deadline.timestamp()
        return datetime.combine(self.deadline, time(23, 59, 59), UTC).timestamp()


class Specification(BaseModel):
    """The keys of cohort.yml."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="shipfolio cohort")

    template: StrictStr = Field(description="The template that every learner starts from")
    version: StrictStr = Field(default="", description="A template version; empty for the newest of this shipfolio")
    answers: dict[str, Any] = Field(default_factory=dict, description="Answers that are the same for everyone: locked")
    choices: dict[str, list[Any]] = Field(
        default_factory=dict, description="Questions that a learner may answer in the roster, with the allowed values"
    )
    roster: StrictStr = Field(description="CSV or YAML file with id, name and more answers, one learner per row")
    destination: Annotated[StrictStr, AfterValidator(_destination)] = Field(
        default="out/{id}", description="Where each repository goes, relative to this file"
    )
    remote: Annotated[StrictStr, AfterValidator(_remote)] = Field(
        default="", description="Where `--push` sends each repository: any URL git can push to, with {id} in it"
    )
    rubric: Grading = Field(default_factory=Grading, description="Pass mark, weights and deadline")

    @property
    def columns(self) -> list[str]:
        """The roster columns that are answers."""
        free = [name for name in FREE_COLUMNS if name not in self.answers]
        return [*self.choices, *free]


def load(path: Path) -> Specification:
    """Read cohort.yml. Raises UsageError that names every wrong key."""
    shown = str(path)
    try:
        content = untrusted_yaml.load(path.read_text("utf-8"))
        specification = Specification.model_validate(content)
    except OSError as error:
        raise UsageError(f"cannot read {shown!r}: {error.strerror}", "name the file of a cohort") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{shown!r} is no YAML in UTF-8: {reason}", "mend the file") from None
    except ValidationError as error:
        lines = "; ".join(_explained(problem) for problem in error.errors())
        raise UsageError(f"{shown!r} cannot be used: {lines}", SAMPLE) from None
    known(specification.rubric.weights, f"the weights in {shown!r}")
    return specification


def problems(specification: Specification, questionnaire: Questionnaire) -> list[str]:
    """What the questionnaire of the chosen version says against the answers and choices; all of it."""
    if specification.template not in questionnaire.templates:
        names = list(questionnaire.templates)
        hint = did_you_mean(specification.template, names)
        return [f"there is no template {specification.template!r}{hint}: choose one of {', '.join(names)}"]
    asked = {question.name: question for question in questionnaire.asked if question.name != "template"}
    found = [
        f"{key}: {name!r} is no question{did_you_mean(name, list(asked))}"
        for key in ("answers", "choices")
        for name in getattr(specification, key)
        if name not in asked
    ]
    found += [
        f"{name!r} is in answers and in choices" for name in specification.answers if name in specification.choices
    ]
    given = [
        (f"answers: {name}", asked[name], [value]) for name, value in specification.answers.items() if name in asked
    ]
    given += [
        (f"choices: {name}", asked[name], values) for name, values in specification.choices.items() if name in asked
    ]
    return found + [problem for where, question, values in given for problem in _wrong(where, question, values)]


def _wrong(where: str, question: Question, values: list[Any]) -> list[str]:
    if not values:
        return [f"{where}: name at least one value"]
    found = [f"{where}: {value!r} must be text, put it in quotes" for value in values if not isinstance(value, str)]
    if not question.values:
        return found
    texts = [value for value in values if isinstance(value, str) and value not in question.values]
    return found + [f"{where}: {text!r} is none of {', '.join(question.values)}" for text in texts]


def _explained(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"] if part not in ("date", "datetime", "function-plain"))
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        names = list(Specification.model_fields) + list(Grading.model_fields)
        message = f"there is no such key{did_you_mean(where.rpartition('.')[2], names)}"
    return f"{where or 'the file'}: {message[:1].lower()}{message[1:]}"
