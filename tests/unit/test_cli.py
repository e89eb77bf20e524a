"""The text of the command line, whole, and its start-up time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import VERSION
from tests.unit.test_answers import accepted

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("help", ["--help"]),
        ("new-help", ["new", "--help"]),
        ("templates", ["templates"]),
        ("check-help", ["check", "--help"]),
        ("cohort-help", ["cohort", "--help"]),
        ("cohort-create-help", ["cohort", "create", "--help"]),
        ("cohort-status-help", ["cohort", "status", "--help"]),
        ("templates-ai-saas", ["templates", "ai-saas"]),
        ("no-command", []),
        ("unknown-template", ["templates", "rag"]),
        ("unknown-command", ["nwe"]),
        ("missing-path", ["new", "agent"]),
    ],
)
def test_the_text_is_the_recorded_one(run, request, name: str, arguments: list[str]) -> None:
    outcome = run(*arguments, COLUMNS="100")
    text = f"exit code {outcome.code}\n--- stdout\n{outcome.out}--- stderr\n{outcome.err}"
    path = SNAPSHOTS / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, "if that is meant: pytest tests/unit --update-golden"


def test_the_version_is_the_one_of_pyproject(shipfolio) -> None:
    assert shipfolio("--version").out == f"shipfolio {VERSION}\n"


def test_templates_as_json(shipfolio, questionnaire) -> None:
    assert json.loads(shipfolio("templates", "--json").out) == questionnaire.templates
    described = json.loads(shipfolio("templates", "ai-saas", "--json").out)
    assert "product" in [question["name"] for question in described["questions"]]


@pytest.mark.parametrize("template", [None, "rag-platform", "agent", "ai-saas"])
def test_the_schema_is_valid_and_fits_its_template(shipfolio, template: str | None) -> None:
    schema = json.loads(shipfolio("schema", *([template] if template else [])).out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert ("product" in schema["properties"]) == (template in (None, "ai-saas"))


def test_the_schema_says_what_the_rules_say(shipfolio, questionnaire) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(shipfolio("schema", "agent").out))
    providers = questionnaire.questions["provider"].values
    for provider in providers:
        for extra in (
            {},
            {"cloud": "gcp"},
            {"deploy": "kubernetes"},
            {"cloud": "azure", "fallback_provider": "bedrock"},
        ):
            answers = {"provider": provider, **extra}
            verdict = accepted(questionnaire, {"template": "agent", **answers})
            assert validator.is_valid(answers) == verdict, answers
    assert not validator.is_valid({"fallback_provider": "openai"}), "the default provider is the fallback itself"
    assert not validator.is_valid({"clodu": "aws"})


def test_help_does_not_import_copier_and_starts_fast() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "shipfolio", "--help"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert time.perf_counter() - start < 2, "far above the 0.5 s of bench/generator.py, which measures properly"
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert not imported & {"copier", "jinja2", "rich", "plumbum"}
