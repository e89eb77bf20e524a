"""Where settings and keys come from: the environment, then mounted secrets, then `.env`; the first one wins."""

import io
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values, load_dotenv
from dotenv.parser import parse_stream

from app.errors import ConfigurationError

ENV_FILE = Path(".env")
FOLDER = "APP_SECRETS_DIR"
SECRETS = Path("/run/secrets")  # where Docker mounts them
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def load_environment(settings: Iterable[str]) -> None:
    """Add to the environment what it lacks; `settings` are the names that may begin with APP_.

    A secret is a file named like its variable, such as `OPENAI_API_KEY`, that holds the value and nothing else.

    Raises:
        ConfigurationError: a misspelt setting, or a file that cannot be read.
    """
    known = set(settings)
    for name, line in _lines().items():
        _refuse_misspelt(name, f".env, line {line}, sets", known)
    for name, path in _secrets(os.environ.get(FOLDER) or dotenv_values(ENV_FILE).get(FOLDER) or "").items():
        _refuse_misspelt(name, f"{path.parent} holds", known)
        if not os.environ.get(name):
            os.environ[name] = _read(path).strip()
    load_dotenv(ENV_FILE)


def origin(name: str) -> str:
    """Where in `.env` a variable was set, to be put behind its name; empty where it came from elsewhere."""
    value = dotenv_values(ENV_FILE).get(name)
    return f" (.env, line {_lines()[name]})" if value and value == os.environ.get(name) else ""


def _lines() -> dict[str, int]:
    """The line of each variable in `.env`; of one that stands there twice the last, which counts."""
    if not ENV_FILE.is_file():
        return {}
    found = [(entry.key, entry.original) for entry in parse_stream(io.StringIO(_read(ENV_FILE))) if entry.key]
    return {name: text.line + _blank_lines(text.string) for name, text in found}


def _blank_lines(text: str) -> int:
    """Those before an entry, which the parser counts as its beginning."""
    return text[: len(text) - len(text.lstrip())].count("\n")


def _secrets(folder: str) -> dict[str, Path]:
    """The files of the folder whose names are variables; what else is mounted there belongs to others."""
    place = Path(folder) if folder else SECRETS
    if folder and not place.is_dir():
        raise ConfigurationError(f"{FOLDER}={folder!r} is no folder.", "Mount it, or take the setting away.")
    if not place.is_dir():
        return {}
    return {path.name: path for path in sorted(place.iterdir()) if VARIABLE.fullmatch(path.name) and path.is_file()}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{path} cannot be read as text.", "Let this user read it, or take it away.") from None


def _refuse_misspelt(name: str, place: str, known: set[str]) -> None:
    """A setting that nobody reads is a mistake where we are told; variables of the machine may belong to others."""
    if name.startswith("APP_") and name not in known:
        near = get_close_matches(name, known, n=1)
        remedy = f"Did you mean {near[0]}?" if near else "See .env.example."
        raise ConfigurationError(f"{place} {name}, which is no setting.", remedy)
