"""The questionnaire: well formed, documented, consistent with its data files."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shipfolio import upkeep
from shipfolio.questions import Question
from tests.conftest import ROOT, git


def test_every_question_has_help_and_a_default_that_is_allowed(questionnaire) -> None:
    for question in questionnaire.asked:
        assert question.help, question.name
        assert not question.values or question.default in question.values, question.name


def test_a_misspelt_key_in_a_question_is_refused() -> None:
    with pytest.raises(ValidationError, match="chioces"):
        Question.model_validate({"name": "x", "type": "str", "default": "", "chioces": {"A": "a"}})


def test_generated_files_are_current() -> None:
    stale = [
        path.name
        for path, text in upkeep.generated(ROOT).items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]
    assert not stale, "run `python -m shipfolio.upkeep`"


def test_every_question_and_every_answer_is_documented(questionnaire) -> None:
    page = (ROOT / "docs/options.md").read_text("utf-8")
    for question in questionnaire.asked:
        assert f"## `{question.name}`" in page
        for value in question.values:
            assert f"| `{value}`" in page, f"{question.name}: {value}"


def test_no_path_is_shared_and_also_in_a_template(questionnaire) -> None:
    shared = set(upkeep.shared_files(ROOT))
    for template in questionnaire.templates:
        folder = ROOT / "templates" / template
        own = {
            path.relative_to(folder).as_posix().removesuffix(".jinja") for path in folder.rglob("*") if path.is_file()
        }
        assert not own & shared, template


def test_each_template_has_the_same_overlay_and_answers_file(questionnaire) -> None:
    def odd_files(template: str) -> dict[str, str]:
        folder = ROOT / "templates" / template
        return {path.name: path.read_text("utf-8") for path in folder.glob("{=*")}

    first, *others = (odd_files(template) for template in questionnaire.templates)
    assert len(first) == 2
    assert all(other == first for other in others)


def test_rules_and_providers_name_existing_questions_and_answers(questionnaire) -> None:
    questions = questionnaire.questions
    for rule in questionnaire.rules:
        assert rule.why
        assert rule.instead
        assert set(rule.among) <= set(questions[rule.needs].values)
        for name in rule.of:
            assert set(rule.options) <= set(questions[name].values)
    named = [provider["name"] for provider in questions["providers"].default]
    assert named == questions["provider"].values
    assert questions["fallback_provider"].values == ["none", *named]


def test_the_template_needs_no_trust(questionnaire) -> None:
    assert not {"_tasks", "_migrations", "_jinja_extensions", "_secret_questions"} & set(questionnaire.settings)


def test_no_file_of_a_template_is_hidden_by_a_gitignore() -> None:
    ignored = git(ROOT, "ls-files", "--others", "--ignored", "--exclude-standard", "--", "templates").splitlines()
    caches = ("__pycache__/", ".ruff_cache/", ".pytest_cache/", ".venv/", ".pyrefly_cache/", "/var/")
    assert not [name for name in ignored if not any(cache in name for cache in caches)]
