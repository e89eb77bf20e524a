"""Settings are documented where a learner looks, and refuse nonsense by name."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from app.errors import ConfigurationError
from app.llm.factory import build_gateway
from app.settings import Settings, load_settings

LINE = re.compile(r"^# (APP_\w+)=(.*)$", re.MULTILINE)


def variables(group: BaseModel, prefix: str = "APP_") -> Iterator[tuple[str, str]]:
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, BaseModel):
            yield from variables(value, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}", "" if value is None else str(value)


def test_env_example_lists_every_setting_with_its_default() -> None:
    documented = dict(LINE.findall(Path(".env.example").read_text(encoding="utf-8")))
    assert documented == dict(variables(Settings()))


def test_every_setting_says_what_it_means() -> None:
    groups = [field.annotation for field in Settings.model_fields.values()]
    fields = [f for g in groups if isinstance(g, type) and issubclass(g, BaseModel) for f in g.model_fields.values()]
    assert fields
    assert all(field.description for field in fields)


def test_environment_variables_reach_nested_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_RETRIEVAL__TOP_K", "7")
    assert load_settings().retrieval.top_k == 7


def test_bad_values_are_refused_by_the_name_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_RETRIEVAL__TOP_K", "many")
    monkeypatch.setenv("APP_LOG__LEVEL", "LOUD")
    with pytest.raises(ConfigurationError, match=r"APP_RETRIEVAL__TOP_K.*APP_LOG__LEVEL"):
        load_settings()


def test_a_misspelt_setting_in_the_env_file_is_refused_with_the_right_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("OPENAI_API_KEY=x\nAPP_RETREIVAL__TOP_K=3\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"line 2, .*APP_RETREIVAL__TOP_K.*Did you mean APP_RETRIEVAL__TOP_K"):
        load_settings()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to start in; what a test adds to the environment is gone after it."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("name", ["APP_BUDGET__USD_PER_DAY", "APP_BUDGET__REQUEST_TOKENS"])
def test_a_negative_budget_is_refused_with_its_line(folder: Path, name: str) -> None:
    Path(".env").write_text(f"# mine\n\n{name}=-5\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"{name} \(\.env, line 3\): Input should be greater"):
        load_settings()


def test_a_list_that_is_not_written_as_one_is_refused_with_an_example(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_API__CORS_ORIGINS", "https://a.example")
    with pytest.raises(ConfigurationError, match=r'"api".*written as JSON, such as APP_API__CORS_ORIGINS=\["'):
        load_settings()


def test_a_model_from_the_env_file_is_refused_with_its_line(folder: Path) -> None:
    Path(".env").write_text("APP_LLM__PRIMARY=foo:bar\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"APP_LLM__PRIMARY='foo:bar' \(\.env, line 1\)"):
        build_gateway(load_settings().llm)


def test_an_env_file_that_is_no_text_is_refused_by_name(folder: Path) -> None:
    Path(".env").write_bytes(b"APP_LLM__PRIMARY=\xff\n")
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read as text"):
        load_settings()


def test_mounted_secrets_come_after_the_environment_and_before_the_env_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = folder / "secrets"
    (secrets / "kubernetes.io").mkdir(parents=True)  # what else is mounted there
    Path(".env").write_text("APP_SECRETS_DIR=secrets\nOPENAI_API_KEY=listed\n", encoding="utf-8")
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "APP_RETRIEVAL__TOP_K", "readme.txt"):
        (secrets / name).write_text("7\n", encoding="utf-8")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "mine")
    assert load_settings().retrieval.top_k == 7
    assert (os.environ["OPENAI_API_KEY"], os.environ["ANTHROPIC_API_KEY"]) == ("7", "mine")
    assert "readme.txt" not in os.environ


def test_the_usual_folder_of_secrets_is_read_where_it_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "OPENAI_API_KEY").write_text("mounted", encoding="utf-8")
    monkeypatch.setattr("app.environment.SECRETS", folder)
    load_settings()
    assert os.environ["OPENAI_API_KEY"] == "mounted"


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("OPENAI_API_KEY", b"\xff\xfe", "OPENAI_API_KEY cannot be read as text"),
        ("APP_RETREIVAL__TOP_K", b"3", "holds APP_RETREIVAL__TOP_K, which is no setting. Did you mean"),
        ("APP_BUDGET__USD_PER_DAY", b"sk-not-a-number", "APP_BUDGET__USD_PER_DAY: Input should be a valid number"),
    ],
)
def test_a_secret_that_does_not_fit_is_refused_without_its_text(
    folder: Path, name: str, content: bytes, refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / name).write_bytes(content)
    monkeypatch.setenv("APP_SECRETS_DIR", str(folder))
    with pytest.raises(ConfigurationError, match=refusal) as refused:
        load_settings()
    assert "sk-not" not in str(refused.value)


def test_a_folder_of_secrets_that_is_not_there_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRETS_DIR", "nowhere")
    with pytest.raises(ConfigurationError, match="APP_SECRETS_DIR='nowhere' is no folder"):
        load_settings()
