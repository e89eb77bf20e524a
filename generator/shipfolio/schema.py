"""The answers as a JSON Schema, the rules included."""

from __future__ import annotations

from typing import Any

from shipfolio.expressions import Expressions
from shipfolio.questions import Question, Questionnaire, Rule


def json_schema(questionnaire: Questionnaire, template: str | None = None) -> dict[str, Any]:
    """The schema of an answers file, for one template or for all of them."""
    properties = {q.name: _property(q, template) for q in questions_of(questionnaire, template)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Answers for shipfolio template {template}" if template else "Answers for shipfolio",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "allOf": [clause for rule in questionnaire.rules for clause in _clauses(questionnaire, rule)],
    }


def questions_of(questionnaire: Questionnaire, template: str | None) -> list[Question]:
    """The questions that a template asks (all of them where none is named)."""
    if template is None:
        return questionnaire.asked
    expressions = Expressions(questionnaire)
    return [q for q in questionnaire.asked if expressions.applies(q, {"template": template})]


def _property(question: Question, template: str | None) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "string", "description": question.help}
    if question.name == "template" and template:
        return {**described, "const": template}
    if question.values:
        described["enum"] = question.values
    if question.default != "" and "{=" not in question.default:
        described["default"] = question.default
    return described


def _clauses(questionnaire: Questionnaire, rule: Rule) -> list[dict[str, Any]]:
    """One if-then per question and answer that the rule is about."""
    clauses = []
    for name in rule.of:
        for option in rule.options or questionnaire.questions[name].values:
            legal = _legal(questionnaire.questions[rule.needs], rule, option)
            if legal:
                clauses.append(
                    {
                        "if": {"properties": {name: {"const": option}}, "required": [name]},
                        "then": legal,
                        "$comment": f"{rule.why}; {rule.instead}",
                    }
                )
    return clauses


def _legal(needed: Question, rule: Rule, option: str) -> dict[str, Any]:
    """The condition on the needed question; it must be answered where its default would break the rule."""
    allowed = rule.among or [value for value in needed.values if value != option]
    if set(allowed) >= set(needed.values):
        return {}
    condition: dict[str, Any] = {"properties": {needed.name: {"enum": allowed}}}
    if needed.default not in allowed:
        condition["required"] = [needed.name]
    return condition
