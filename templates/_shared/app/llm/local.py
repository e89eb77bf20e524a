"""Small models that run on this machine through fastembed: no key, but a package more and a download at first use."""

from importlib import import_module
from typing import Any

from app.errors import ConfigurationError

PREFIX = "fastembed:"


def load_local(setting: str, value: str, module: str, kind: str) -> Any:  # noqa: ANN401 - no types without the package
    """An instance of fastembed's class `kind` for the model that the setting names after its prefix.

    Raises:
        ConfigurationError: fastembed is not installed, or the model is unknown or cannot be downloaded.
    """
    try:
        return getattr(import_module(module), kind)(value.removeprefix(PREFIX))
    except ImportError:
        raise ConfigurationError(f"{setting}={value!r} needs fastembed.", "Run `uv sync --extra local`.") from None
    except ValueError as error:
        raise ConfigurationError(
            f"{setting}={value!r} cannot be used: {error}", "Check the model's name and the network."
        ) from None
