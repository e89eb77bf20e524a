"""Prompts are served as the registry says; callers keep their version; the registry is read again."""

from pathlib import Path

import pytest
import structlog
from jinja2 import UndefinedError

from app.errors import ConfigurationError
from app.prompts.registry import PromptRegistry
from tests.unit.prompt_folder import release, write


def test_the_stable_version_is_served_and_rendered(tmp_path: Path) -> None:
    prompt = PromptRegistry(write(tmp_path)).stable("greet")
    assert (prompt.label, prompt.system, prompt.render(name="Ada")) == ("greet@1", "Be kind.", "Hello Ada")


def test_a_missing_variable_is_an_error_not_a_hole(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError, match="name"):
        PromptRegistry(write(tmp_path)).stable("greet").render()


def test_an_unknown_prompt_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'nope'"):
        PromptRegistry(write(tmp_path)).stable("nope")


def test_a_caller_always_gets_the_same_version(tmp_path: Path) -> None:
    registry = PromptRegistry(write(tmp_path, versions="12", registry='stable: "1", canary: "2", percent: 10'))
    first = {f"caller-{n}": registry.choose("greet", f"caller-{n}").label for n in range(2000)}
    again = {f"caller-{n}": registry.choose("greet", f"caller-{n}").label for n in range(2000)}
    assert first == again
    share = list(first.values()).count("greet@2") / len(first)
    assert share == pytest.approx(0.10, abs=0.03)


def test_those_who_have_the_canary_keep_it_when_its_share_grows(tmp_path: Path) -> None:
    registry = PromptRegistry(write(tmp_path, versions="12", registry='stable: "1", canary: "2", percent: 10'))
    callers = [f"caller-{n}" for n in range(500)]
    before = {caller for caller in callers if registry.choose("greet", caller).label == "greet@2"}
    release(tmp_path, 'stable: "1", canary: "2", percent: 50')
    after = {caller for caller in callers if registry.choose("greet", caller).label == "greet@2"}
    assert before < after


def test_a_changed_registry_counts_from_the_next_question_on(tmp_path: Path) -> None:
    registry = PromptRegistry(write(tmp_path, versions="12"))
    assert registry.choose("greet", "ada").label == "greet@1"
    release(tmp_path, 'stable: "2"')
    assert registry.choose("greet", "ada").label == "greet@2"


def test_a_registry_that_breaks_while_serving_is_logged_and_the_last_good_one_goes_on(tmp_path: Path) -> None:
    registry = PromptRegistry(write(tmp_path))
    release(tmp_path, 'stable: "7"')
    with structlog.testing.capture_logs() as logs:
        assert [registry.choose("greet", "ada").label for _ in range(2)] == ["greet@1"] * 2
    assert [entry["log_level"] for entry in logs] == ["error"]
    (tmp_path / "registry.yaml").unlink()
    assert registry.choose("greet", "ada").label == "greet@1"


def test_an_evaluation_can_pin_a_version(tmp_path: Path) -> None:
    folder = write(tmp_path, versions="12")
    assert PromptRegistry(folder, {"greet": "2"}).choose("greet", "ada").label == "greet@2"
    with pytest.raises(ConfigurationError, match="'greet@3'"):
        PromptRegistry(folder, {"greet": "3"})
