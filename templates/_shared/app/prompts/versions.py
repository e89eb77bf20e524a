"""One version of one prompt: a Markdown file with typed front matter, a system text and a user template."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from jinja2 import Environment, StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import ConfigurationError
from app.yaml_files import line_at, parse, places, read_text

FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*\n", re.DOTALL | re.MULTILINE)
MARK = "<!-- user -->"
USER_MARK = f"\n{MARK}\n"
LAYOUT = f"A prompt is front matter between two lines `---`, system text, a line `{MARK}`, user text."
FIELDS = "Front matter holds version, author, date, model and variables; `app prompts` adds scores and history."
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
    text = read_text(path, LAYOUT)
    found = FRONT.match(text)
    if not found:
        raise ConfigurationError(f"{path}:1: there is no front matter between two lines `---`.", LAYOUT)
    root, values = parse(path, found[1], FIELDS, above=1)
    try:
        front = FrontMatter.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(f"{places(path, root, error)}.", FIELDS) from None
    if path.stem != f"v{front.version}":
        raise ConfigurationError(
            f"{path}:{line_at(root, ['version'])}: the front matter says version {front.version!r}, "
            f"the file name says {path.stem!r}.",
            "Version 3 is the file v3.md and no other.",
        )
    body = text[found.end() :]
    above = _lines_above_user(path, body, found[0].count("\n"))
    _check_variables(path, front, body.split(USER_MARK)[1], above, line_at(root, ["variables"]))
    return Prompt(path.parent.name, path, front, body)


def write_version(prompt: Prompt) -> None:
    """Write a version's file as its values say; the body stays as it is, to the byte."""
    values = prompt.front.model_dump(mode="json", exclude_none=True)
    head = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)
    part = prompt.path.with_suffix(".part")
    part.write_text(f"---\n{head}---\n{prompt.body}", encoding="utf-8")
    part.replace(prompt.path)


def _lines_above_user(path: Path, body: str, above: int) -> int:
    """How many lines of the file precede the user text; `above` precede the body.

    Raises:
        ConfigurationError: the body does not have its two parts.
    """
    marks = [above + number for number, line in enumerate(body.split("\n"), start=1) if line == MARK]
    if len(marks) != 1 or USER_MARK not in body:
        line = marks[-1] if marks else above + 1
        raise ConfigurationError(f"{path}:{line}: one line `{MARK}` has to part the text in two.", LAYOUT)
    return marks[0]


def _check_variables(path: Path, front: FrontMatter, user: str, above: int, declared_at: int) -> None:
    """Refuse a user text that is no template, or that uses others than the variables of the front matter.

    Raises:
        ConfigurationError: it is or does; with the line.
    """
    try:
        tree = ENVIRONMENT.parse(user)
        used = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise ConfigurationError(
            f"{path}:{above + error.lineno}: {error.message}", "The user text is a Jinja template."
        ) from None
    lines = {name.name: above + name.lineno for name in reversed(list(tree.find_all(nodes.Name)))}
    found = [
        f"{path}:{lines[name]}: {name!r} is not among the `variables`" for name in sorted(used - {*front.variables})
    ]
    found += [f"{path}:{declared_at}: no text uses {name!r}" for name in front.variables if name not in used]
    if found:
        raise ConfigurationError(f"{'; '.join(found)}.", "`variables` names what the user text uses, and nothing else.")


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    return ENVIRONMENT.from_string(text)
