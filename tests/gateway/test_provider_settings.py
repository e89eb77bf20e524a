"""Every provider that a project can be made for: its model is built from its variables, and a missing one is named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow  # the providers' clients take seconds to load
ROOT = Path(__file__).parents[2]
PROVIDERS: list[dict[str, Any]] = yaml.safe_load((ROOT / "templates/_providers.yml").read_text("utf-8"))
BY_NAME = {provider["name"]: provider for provider in PROVIDERS}
OPTIONAL = {"GOOGLE_CLOUD_LOCATION"}  # the client has a default
VALUES = {
    "AZURE_OPENAI_ENDPOINT": "https://account.openai.azure.com/",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "OLLAMA_BASE_URL": "http://127.0.0.1:11434/v1",
}
NEEDED = [(name, needed) for name, each in BY_NAME.items() for needed in each["variables"] if needed not in OPTIONAL]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, login or region of this machine."""
    for name in os.environ:
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "GEMINI_", "OPENAI_", "ANTHROPIC_", "OLLAMA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")


def build(name: str, monkeypatch: pytest.MonkeyPatch, *, without: str = "") -> str:
    """The name of the model that this provider's variables make, each with a made-up value."""
    from app.llm.factory import build_model
    from app.settings import LLMSettings

    for variable in BY_NAME[name]["variables"]:
        if variable != without:
            monkeypatch.setenv(variable, VALUES.get(variable, "made-up"))
    return build_model(LLMSettings.model_validate({"primary": BY_NAME[name]["model"]})).model_name


@pytest.mark.parametrize("name", BY_NAME)
def test_a_providers_model_is_built_from_its_variables_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert BY_NAME[name]["model"].endswith(f":{build(name, monkeypatch)}")


@pytest.mark.parametrize(("name", "missing"), NEEDED)
def test_a_variable_that_is_missing_is_named_at_the_start(
    name: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match=f"APP_LLM__PRIMARY=.*{missing}") as told:
        build(name, monkeypatch, without=missing)
    assert "made-up" not in str(told.value)
