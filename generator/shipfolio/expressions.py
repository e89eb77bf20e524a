"""Evaluates the Jinja of the questionnaire (defaults, conditions, validators) exactly as Copier does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from shipfolio.questions import Question, Questionnaire

TRUE_WORDS = {"true", "yes", "on", "y", "t", "1"}


class Expressions:
    """Renders strings that the template's authors wrote. Answers are values in them, never source."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        delimiters = {k: v for k, v in questionnaire.settings["_envops"].items() if k != "undefined"}
        self._root = questionnaire.root
        self._delimiters = tuple(delimiters.items())

    def default(self, question: Question, answers: Mapping[str, Any]) -> Any:
        """The default answer, given the answers so far. Data that is no string is returned as it is."""
        if not isinstance(question.default, str):
            return question.default
        return self._render(question.default, answers)

    def applies(self, question: Question, answers: Mapping[str, Any]) -> bool:
        """Whether the question is asked at all, given the answers so far."""
        if isinstance(question.when, bool):
            return question.when
        return self._render(question.when, answers).strip().lower() in TRUE_WORDS

    def problem(self, question: Question, value: Any, answers: Mapping[str, Any]) -> str:
        """Why `value` is no legal answer, with the remedy; empty when it is legal."""
        return self._render(question.validator, {**answers, question.name: value}).strip()

    def _render(self, source: str, answers: Mapping[str, Any]) -> str:
        return _compiled(self._root, self._delimiters, source).render(answers)


@lru_cache(maxsize=256)
def _compiled(root: Path, delimiters: tuple[tuple[str, str], ...], source: str) -> Template:
    return _environment(root, delimiters).from_string(source)


@lru_cache(maxsize=4)
def _environment(root: Path, delimiters: tuple[tuple[str, str], ...]) -> SandboxedEnvironment:
    options: dict[str, Any] = dict(delimiters)
    return SandboxedEnvironment(
        loader=FileSystemLoader(root),
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        **options,
    )
