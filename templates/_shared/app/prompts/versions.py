"""One version of one prompt: a Markdown file with typed front matter, a system text and a user template."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from jinja2 import Environment, StrictUndefined, Template, TemplateError, meta
from pydantic import BaseModel, ConfigDict, Field

from app.errors import ConfigurationError

USER_MARK = "\n<!-- user -->\n"
# What goes into a prompt is text for a model, never a page; passages are escaped where they are rendered.
ENVIRONMENT = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)  # noqa: S701


class Scores(BaseModel):
    """The evaluation of one body against the version that was served then."""

    model_config = ConfigDict(extra="forbid")

    body_sha256: str
    evaluated: datetime
    against: str
    model: str
    dataset: str
    verdict: Literal["pass", "regression", "undecided"]
    metrics: dict[str, float]


class FrontMatter(BaseModel):
    """What stands above a prompt's text."""

    model_config = ConfigDict(extra="forbid")

    version: str
    author: str
    date: date
    model: str
    variables: list[str]
    scores: Scores | None = None
    history: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Prompt:
    """One version of one prompt, as its file says."""

    name: str
    path: Path
    front: FrontMatter
    body: str

    @property
    def label(self) -> str:
        """`name@version`, as it stands in answers, metrics and results."""
        return f"{self.name}@{self.front.version}"

    @property
    def system(self) -> str:
        """The text that says how to behave."""
        return self.body.split(USER_MARK)[0].strip()

    @property
    def user(self) -> str:
        """The template of the request."""
        return self.body.split(USER_MARK)[1].strip()

    @property
    def body_sha256(self) -> str:
        """The hash of all that a model is told; front matter does not count."""
        return hashlib.sha256(self.body.strip().encode()).hexdigest()

    def render(self, **variables: object) -> str:
        """The user text with its variables filled in; a missing one is an error, never an empty string."""
        return _compiled(self.user).render(**variables)


def read_version(path: Path) -> Prompt:
    """Read and check one file.

    Raises:
        ConfigurationError: it is unreadable or contradicts itself; the message names the file and the line.
    """
    try:
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        front = FrontMatter.model_validate(yaml.safe_load(head))
        _, user = body.split(USER_MARK)
        _check(path, front, user)
    except (OSError, ValueError, yaml.YAMLError, TemplateError) as error:
        raise ConfigurationError(
            f"{path}{_line(path, error)}: {error}", "A prompt is front matter, system text, `<!-- user -->`, user text."
        ) from None
    return Prompt(path.parent.name, path, front, body)


def write_version(prompt: Prompt) -> None:
    """Write a version's file as its values say; the body stays as it is, to the byte."""
    values = prompt.front.model_dump(mode="json", exclude_none=True)
    head = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)
    part = prompt.path.with_suffix(".part")
    part.write_text(f"---\n{head}---\n{prompt.body}", encoding="utf-8")
    part.replace(prompt.path)


def _check(path: Path, front: FrontMatter, user: str) -> None:
    if path.stem != f"v{front.version}":
        raise ValueError(f"the file name says {path.stem!r}, the front matter says version {front.version!r}")
    used = meta.find_undeclared_variables(ENVIRONMENT.parse(user))
    if used != set(front.variables):
        raise ValueError(f"declared variables {sorted(front.variables)}, used {sorted(used)}")


def _line(path: Path, error: Exception) -> str:
    """`:line` of a mistake in the file, where the error tells it."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f":{error.problem_mark.line + 2}"
    if isinstance(error, TemplateError) and getattr(error, "lineno", None):
        above = path.read_text(encoding="utf-8").split(USER_MARK)[0].count("\n")
        return f":{above + 2 + error.lineno}"  # type: ignore[attr-defined]
    return ""


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    return ENVIRONMENT.from_string(text)
