"""A budget in money stops a model only if its price is known: what has none is refused before the service starts."""

import os

from app.environment import origin
from app.errors import ConfigurationError
from app.llm.factory import NONE, OFFLINE
from app.settings import BudgetSettings, LLMSettings

SELF_HOSTED = ("ollama", "vllm")  # a token of theirs costs nothing; the machine does
OPENAI_HOST = "api.openai.com"
MONEY = ("request_usd", "key_usd_per_day", "usd_per_day")
MODELS = ("primary", "small", "fallback", "judge")
NO_MODEL = (NONE, OFFLINE, "primary", "test")


def refuse_unpriced(llm: LLMSettings, budget: BudgetSettings) -> None:
    """Reads the price list only where a budget in money or an as-if price is set.

    Raises:
        ConfigurationError: `APP_LLM__PRICED_AS`, or a model under a budget in money, has no known list price.
    """
    if llm.priced_as != NONE and not _is_priced(llm.priced_as):
        raise ConfigurationError(
            f"APP_LLM__PRICED_AS={llm.priced_as!r}{origin('APP_LLM__PRICED_AS')} has no known list price.",
            "Name a model that has one, such as `openai:gpt-5-mini`, or `none`.",
        )
    limit = next((name for name in MONEY if getattr(budget, name)), None)
    if limit is None or llm.primary == OFFLINE:
        return
    for setting in MODELS:
        model = getattr(llm, setting)
        if model in NO_MODEL or _is_self_hosted(model) or _is_priced(model):
            continue
        name, money = f"APP_LLM__{setting.upper()}", f"APP_BUDGET__{limit.upper()}"
        raise ConfigurationError(
            f"{name}={model!r}{origin(name)} has no known list price, so {money} cannot limit it.",
            f"Name a model that has one, or limit tokens instead: {money.replace('USD', 'TOKENS')}.",
        )


def _is_self_hosted(model: str) -> bool:
    """A server of one's own: by its provider, or one that speaks OpenAI's language at another address."""
    provider = _provider(model)
    address = os.environ.get("OPENAI_BASE_URL", "")
    return provider in SELF_HOSTED or (provider == "openai" and bool(address) and OPENAI_HOST not in address)


def _is_priced(model: str) -> bool:
    from genai_prices import Usage, calc_price  # here, because it reads a price list of some megabytes

    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model.partition(":")[2], provider_id=_provider(model))
    except LookupError:
        return False
    return True


def _provider(model: str) -> str:
    """The provider's name in the price list; OpenAI's two interfaces have the same prices."""
    return model.partition(":")[0].removesuffix("-chat").removesuffix("-responses")
