"""A budget in money needs models whose price is known; the price list is not read for anything else."""

import subprocess
import sys
from typing import Any

import pytest

from app.bootstrap import open_platform
from app.errors import ConfigurationError
from app.llm.prices import refuse_unpriced
from app.settings import BudgetSettings, LLMSettings, Settings

UNPRICED = "openai:my-own-model"


def refuse(llm: dict[str, Any], budget: dict[str, Any]) -> None:
    refuse_unpriced(LLMSettings.model_validate(llm), BudgetSettings.model_validate(budget))


@pytest.mark.parametrize("setting", ["primary", "small", "fallback", "judge"])
@pytest.mark.parametrize("limit", ["request_usd", "key_usd_per_day", "usd_per_day"])
def test_a_budget_in_money_refuses_a_model_without_a_price(setting: str, limit: str) -> None:
    llm = {"primary": "openai:gpt-5-mini", setting: UNPRICED}
    told = f"APP_LLM__{setting.upper()}='{UNPRICED}'.*APP_BUDGET__{limit.upper()} cannot.*tokens instead"
    with pytest.raises(ConfigurationError, match=told):
        refuse(llm, {limit: 0.01})


@pytest.mark.parametrize(
    ("llm", "budget"),
    [
        ({"primary": UNPRICED}, {"tokens_per_day": 1000}),
        ({"primary": "offline"}, {"usd_per_day": 1}),
        ({"primary": "ollama:qwen3:8b", "fallback": "vllm:any"}, {"usd_per_day": 1}),
        ({"primary": "openai-responses:gpt-5-mini", "fallback": "anthropic:claude-haiku-4-5"}, {"usd_per_day": 1}),
        ({"primary": "azure:gpt-5-mini", "small": "google-cloud:gemini-2.5-flash"}, {"usd_per_day": 1}),
        ({"primary": "bedrock:eu.amazon.nova-lite-v1:0"}, {"usd_per_day": 1}),
        ({"priced_as": "openai:gpt-5-mini"}, {}),
    ],
)
def test_what_can_be_limited_is_allowed(llm: dict[str, Any], budget: dict[str, Any]) -> None:
    refuse(llm, budget)


@pytest.mark.parametrize(
    ("address", "allowed"), [("http://vllm:8000/v1", True), ("https://api.openai.com/v1", False), ("", False)]
)
def test_a_server_of_ones_own_that_speaks_openais_language_costs_nothing(
    address: str, *, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    if allowed:
        refuse({"primary": UNPRICED}, {"usd_per_day": 1})
        return
    with pytest.raises(ConfigurationError):
        refuse({"primary": UNPRICED}, {"usd_per_day": 1})


@pytest.mark.parametrize("priced_as", ["openai:gpt-nothing", "gpt-5-mini", "nobody:gpt-5-mini"])
def test_an_as_if_price_that_nobody_knows_stops_the_start(settings: Settings, priced_as: str) -> None:
    settings.llm.priced_as = priced_as
    with (
        pytest.raises(ConfigurationError, match=f"APP_LLM__PRICED_AS='{priced_as}' has no known"),
        open_platform(settings),
    ):
        pass


def test_the_price_list_is_not_read_at_an_ordinary_start() -> None:
    code = """
import sys
from app.llm.prices import refuse_unpriced
from app.settings import Settings
refuse_unpriced(Settings().llm, Settings().budget)
print("genai_prices.data" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "False"
