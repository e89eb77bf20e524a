"""What every rendered project must satisfy: each check returns its complaints."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

import hcl2
import yaml

DELIMITER = re.compile(r"\{=[%#]?|[%#]=\}|(?<![=!<>:+\-*/|&^%])=\}")
INSTRUCTIONS = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
    *("LABEL", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}


def leftover_delimiters(text: str) -> list[str]:
    """Every piece of our Jinja delimiters that is left in a text."""
    return [match.group() for match in DELIMITER.finditer(text)]


def parse_problem(path: Path) -> str:
    """Why a file of a known format does not parse; empty when it does, or has no known format."""
    if _parser(path.name) is None:
        return ""
    return _problem(path.name, path.read_bytes())


@cache
def _problem(name: str, content: bytes) -> str:
    """The same file in many projects is parsed once per session."""
    parse = _parser(name)
    assert parse
    try:
        parse(content.decode("utf-8"))
    except Exception as error:  # any parser's complaint counts
        return f"{name}: {type(error).__name__}: {error}"
    return ""


def _parser(name: str) -> Callable[[str], object] | None:
    path = PurePosixPath(name)
    if path.name == "Dockerfile" or path.suffix == ".Dockerfile":
        return parse_dockerfile
    by_suffix: dict[str, Callable[[str], object]] = {
        ".yml": lambda text: list(yaml.safe_load_all(text)),
        ".yaml": lambda text: list(yaml.safe_load_all(text)),
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
        ".tf": hcl2.loads,
        ".hcl": hcl2.loads,
        ".tfvars": hcl2.loads,
        ".py": lambda text: compile(text, path.name, "exec"),
    }
    if path.name.endswith(".tfvars.example"):
        return by_suffix[".tfvars"]
    return by_suffix.get(path.suffix)


def parse_dockerfile(text: str) -> list[str]:
    """The instructions of a Dockerfile. Raises ValueError for an unknown one, or a file without FROM."""
    joined = re.sub(r"\\\n(?:\s*#.*\n)*", " ", text)
    joined = re.sub(r"(?ms)^RUN\b[^\n]*<<-?['\"]?(\w+)['\"]?.*?^\1$", "RUN heredoc", joined)
    names = [
        line.split()[0].upper() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    unknown = set(names) - INSTRUCTIONS
    if unknown or "FROM" not in names:
        raise ValueError(f"unknown instructions {sorted(unknown)}" if unknown else "no FROM")
    return names
