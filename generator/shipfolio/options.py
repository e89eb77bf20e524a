"""Builds the command line options of `new` from the questionnaire."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any

import typer

from shipfolio.questions import Question, Questionnaire


def with_question_options(questionnaire: Questionnaire, command: Callable[..., None]) -> Callable[..., None]:
    """`command` with one option per question; it receives the ones that were given as `answers`."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "answers"]
    asked = [question for question in questionnaire.asked if question.name != "template"]

    def run(**values: Any) -> None:
        given = {question.name: values.pop(question.name) for question in asked}
        command(**values, answers={name: _plain(value) for name, value in given.items() if value is not None})

    parameters = [*own, *(_parameter(question) for question in asked)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = command.__doc__
    return run


def _parameter(question: Question) -> inspect.Parameter:
    kind: Any = Enum(question.name, {value: value for value in question.values}) if question.values else str
    option = typer.Option(question.option, help=f"{question.help}.", show_default=False, rich_help_panel="Answers")
    annotation = Annotated[kind | None, option]
    return inspect.Parameter(question.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _plain(value: Any) -> str:
    return value.value if isinstance(value, Enum) else value
