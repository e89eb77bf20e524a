"""Settings from a TOML file; variables of the environment win."""

import os
import stat
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from tidewatch.errors import TideError

PREFIX = "TIDEWATCH_"


@dataclass(frozen=True)
class Settings:
    """Everything that an office may choose; docs/configuration.md describes each."""

    database: str = "var/tide.db"
    poll_seconds: int = 60
    stale_minutes: int = 20
    low_level: float = 0.8
    high_level: float = 4.1
    quiet_minutes: int = 45
    mail_host: str = ""
    mail_password_file: str = ""
    web_port: int = 8077


def load_settings(path: Path) -> Settings:
    """The settings of a file, with what the environment says instead.

    Raises:
        TideError: a name that no setting has.
    """
    values = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known = {field.name: field.type for field in fields(Settings)}
    unknown = values.keys() - known.keys()
    if unknown:
        raise TideError(f"{path} has unknown settings: {sorted(unknown)}.", "docs/configuration.md lists all.")
    for name in known:
        if text := os.environ.get(PREFIX + name.upper()):
            values[name] = type(getattr(Settings, name))(text)
    return Settings(**values)


def read_password(path: Path) -> str:
    """The mail password; a file that everybody may read is refused."""
    if path.stat().st_mode & stat.S_IROTH:
        raise TideError(f"{path} can be read by everybody.", f"chmod 600 {path}")
    return path.read_text(encoding="utf-8").strip()
