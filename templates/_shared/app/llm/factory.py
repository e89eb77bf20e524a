"""From settings to models: the offline one, or providers behind breakers, retries and one deadline."""

import os
from functools import partial
from pkgutil import resolve_name

from pydantic_ai.models import Model, infer_model
from pydantic_ai.providers import Provider, infer_provider
from pydantic_ai.settings import ModelSettings

from app.environment import origin
from app.errors import ConfigurationError
from app.llm.breaker import Breaker, GuardedModel
from app.llm.gateway import Gateway, ResilientModel
from app.llm.routing import Tier
from app.settings import LLMSettings

OFFLINE = "offline"
NONE = "none"
BEDROCK = "bedrock"
PRIMARY = "APP_LLM__PRIMARY"
REMEDY = "Set the provider's key in .env, or use `offline`."
REMEDIES = {  # where the client does not name the variable that it misses
    BEDROCK: "Set AWS_DEFAULT_REGION in .env.",
    "google-cloud": "Set GOOGLE_CLOUD_PROJECT in .env, and log in with `gcloud auth application-default login`.",
}


def build_gateway(settings: LLMSettings, setting: str = PRIMARY) -> Gateway:
    """The models that answer, each tier with its fallback behind it where one is set; `setting` named the primary.

    Raises:
        ConfigurationError: unknown model, missing package or missing key; the message names the setting.
    """
    if is_offline(settings):
        return Gateway({Tier.LARGE: _offline()}, {}, settings.route_threshold)
    breakers: dict[str, Breaker] = {}
    large = _guarded(settings.primary, setting, settings, breakers)
    small = _guarded(settings.small, "APP_LLM__SMALL", settings, breakers)
    fallback = _guarded(settings.fallback, "APP_LLM__FALLBACK", settings, breakers)
    models: dict[Tier, Model] = {Tier.LARGE: ResilientModel([*large, *fallback], settings)}
    if small:
        models[Tier.SMALL] = ResilientModel([*small, *fallback], settings)
    return Gateway(models, breakers, settings.route_threshold)


def build_model(settings: LLMSettings) -> Model:
    """One model for those who need no tiers, as `build_gateway` makes it; a judge of its own stands as the primary."""
    setting = "APP_LLM__JUDGE" if settings.primary == settings.judge else PRIMARY
    return build_gateway(settings, setting).models[Tier.LARGE]


def is_offline(settings: LLMSettings) -> bool:
    """True when a program of rules answers instead of a language model."""
    return settings.primary == OFFLINE


def _offline() -> Model:
    """The model by rules that this project has for machines without a key."""
    from app import product  # here, because the product stands on this module

    model: Model = resolve_name(product.OFFLINE_MODEL)()
    return model


def _guarded(name: str, setting: str, settings: LLMSettings, breakers: dict[str, Breaker]) -> list[Model]:
    """The named model behind its provider's breaker; nothing for `none`."""
    if name == NONE:
        return []
    if name == OFFLINE:
        return [_offline()]
    provider = name.partition(":")[0]
    breaker = breakers.setdefault(
        provider, Breaker(provider, settings.breaker_failures, settings.breaker_pause_seconds)
    )
    try:
        model = infer_model(name, partial(_provider, settings.timeout_seconds))
        return [GuardedModel(model, breaker, _sdk_settings(provider))]
    except Exception as error:  # noqa: BLE001 - each provider's client has errors of its own
        told = f"{setting}={name!r}{origin(setting)} cannot be used: {error}"
        raise ConfigurationError(told, _remedy(name, error)) from None


def _remedy(name: str, error: Exception) -> str:
    """What helps: another spelling, a package, or a key."""
    if isinstance(error, ImportError):
        return "Add that extra to `pydantic-ai-slim[…]` in pyproject.toml and run `make setup`, or use `offline`."
    provider = name.partition(":")[0]
    if provider not in REMEDIES and (isinstance(error, ValueError) or ":" not in name):
        return "Write it as PROVIDER:MODEL, such as `openai:gpt-5-mini`, or use `offline`."
    return REMEDIES.get(provider, REMEDY)


def _sdk_settings(provider: str) -> ModelSettings:
    """No retries inside a provider's client: they would multiply with the failover's."""
    return ModelSettings() if provider == BEDROCK else ModelSettings(max_retries=0)


def _provider(seconds: float, name: str) -> Provider:
    """The provider; Bedrock's client is told at its making what the others are told with each request.

    It waits in a thread that nothing can end from outside, so it gives up by itself after `seconds` of silence.
    """
    if name != BEDROCK:
        return infer_provider(name)
    from pydantic_ai.providers.bedrock import BedrockProvider  # here, because only its own projects install its client

    os.environ.setdefault("AWS_MAX_ATTEMPTS", "1")
    return BedrockProvider(aws_read_timeout=seconds, aws_connect_timeout=seconds)
