"""Writes a self-contained HTML page: one Jinja template, everything escaped, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shipfolio.errors import UsageError
from shipfolio.source import PACKAGE


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """The page. Every value is text: what looks like markup in it is shown, not obeyed."""
    environment = Environment(
        loader=FileSystemLoader(PACKAGE / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)


def write(path: Path, text: str) -> None:
    """Write a file that a person asked for. Raises UsageError where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {str(path)!r}: {error.strerror}", "choose another file") from None
