"""Turns options, `--data` and answer files into one checked set of answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError, create_model

from shipfolio.errors import UsageError
from shipfolio.expressions import Expressions
from shipfolio.hints import did_you_mean
from shipfolio.questions import Question, Questionnaire

Ask = Callable[[Question, str, Callable[[str], str]], str]


def model(questionnaire: Questionnaire) -> type[BaseModel]:
    """A pydantic model of the answers: each question optional, unknown keys forbidden, choices as literals."""
    fields: dict[str, Any] = {}
    literal: Any = Literal
    for question in questionnaire.asked:
        kind = literal[tuple(question.values)] if question.values else StrictStr
        fields[question.name] = (kind, Field(default=None, description=question.help))
    return create_model("Answers", __config__=ConfigDict(extra="forbid"), **fields)


def checked(questionnaire: Questionnaire, given: Mapping[str, Any]) -> dict[str, str]:
    """The given answers, checked. Raises UsageError that names every unknown key and every wrong value."""
    try:
        answers = model(questionnaire).model_validate(dict(given))
    except ValidationError as error:
        lines = [_explained(questionnaire, problem) for problem in error.errors()]
        raise UsageError("; ".join(lines), "see `shipfolio schema` for the answers there are") from None
    return answers.model_dump(exclude_unset=True)


def resolve(
    questionnaire: Questionnaire,
    given: Mapping[str, str],
    ask: Ask | None = None,
    suggested: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Every answer of one project: given, asked (where `ask` is there), suggested or default.

    Raises UsageError that names every answer the rules refuse, each with its alternative.
    """
    expressions = Expressions(questionnaire)
    context: dict[str, Any] = {}
    answers: dict[str, str] = {}
    problems: dict[str, str] = {}
    for question in questionnaire.questions.values():
        if question.computed:
            context[question.name] = expressions.default(question, context)
            continue
        if not expressions.applies(question, context):
            _refuse_misplaced(question, given, context["template"])
            continue
        value = _answer(question, given, suggested or {}, context, expressions, ask)
        problem = expressions.problem(question, value, context)
        if problem:
            problems[question.option] = f"{question.name}: {problem}"
        context[question.name] = answers[question.name] = value
    if problems:
        raise UsageError("; ".join(problems.values()), f"change {' and '.join(problems)}")
    return answers


def read_file(path: Path) -> dict[str, Any]:
    """The answers in a YAML or JSON file. Keys that begin with `_` are Copier's own records: left out."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the answers file {str(path)!r}: {error.strerror}", "check --answers") from None
    except UnicodeDecodeError:
        raise UsageError(f"the answers file {str(path)!r} is not UTF-8 text", "save it as UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"the answers file {str(path)!r} is broken: {reason}", "mend the YAML or JSON") from None
    if not isinstance(content, dict):
        raise UsageError(
            f"the answers file {str(path)!r} holds no mapping of questions to answers",
            "write one `question: answer` per line",
        )
    return {key: value for key, value in content.items() if not str(key).startswith("_")}


def parse_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """`--data question=answer`, each answer taken literally."""
    answers: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise UsageError(f"--data {pair!r} is not question=answer", "write for example --data cloud=aws")
        answers[key.strip()] = value
    return answers


def _answer(
    question: Question,
    given: Mapping[str, str],
    suggested: Mapping[str, str],
    context: Mapping[str, Any],
    expressions: Expressions,
    ask: Ask | None,
) -> str:
    if question.name in given:
        return given[question.name]
    default = suggested.get(question.name) or expressions.default(question, context)
    if ask is None or not question.ask:
        return default
    return ask(question, default, lambda value: expressions.problem(question, value, context))


def _refuse_misplaced(question: Question, given: Mapping[str, str], template: str) -> None:
    if question.name in given:
        raise UsageError(
            f"{question.name!r} is no question of template {template!r}",
            f"leave it out, or see `shipfolio schema {template}`",
        )


def _explained(questionnaire: Questionnaire, problem: Any) -> str:
    """One pydantic error in the words of the questionnaire."""
    name = ".".join(str(part) for part in problem["loc"])
    question = questionnaire.questions.get(name)
    if question is None:
        return f"unknown answer {name!r}{did_you_mean(name, [q.name for q in questionnaire.asked])}"
    if question.computed:
        return f"{name!r} is computed from the other answers and cannot be given"
    value = problem["input"]
    if question.values:
        hint = did_you_mean(str(value), question.values)
        return f"{name} {value!r} is none of {', '.join(question.values)}{hint}"
    return f"{name} must be text, not {type(value).__name__} ({value!r}): put it in quotes"


def known_template(questionnaire: Questionnaire, name: str) -> str:
    """The name, where it is one of a template. Raises UsageError that lists them."""
    names = list(questionnaire.templates)
    if name not in names:
        raise UsageError(
            f"there is no template {name!r}{did_you_mean(name, names)}", f"choose one of {', '.join(names)}"
        )
    return name
