"""Settings are documented where a learner looks, and refuse nonsense by name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from app.errors import ConfigurationError
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
    with pytest.raises(ConfigurationError, match=r"APP_RETREIVAL__TOP_K.*Did you mean APP_RETRIEVAL__TOP_K"):
        load_settings()
