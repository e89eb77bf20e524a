"""The questionnaire of copier.yml, typed: the single source of options, prompts, schema and docs."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shipfolio import question_files, source


class Question(BaseModel):
    """One question. `choices` maps the label that people read to the value that is stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: Literal["str", "yaml"]
    default: Any
    help: str = ""
    choices: dict[str, str] = Field(default_factory=dict)
    when: str | bool = True
    validator: str = ""
    ask: bool = True

    @property
    def computed(self) -> bool:
        """Whether the value follows from other answers: never asked, given or stored."""
        return self.when is False

    @property
    def values(self) -> list[str]:
        """The allowed answers, in the order in which they are offered; empty for free text."""
        return list(self.choices.values())

    @property
    def option(self) -> str:
        """The command line option."""
        return "--" + self.name.replace("_", "-")


class Rule(BaseModel):
    """Answers to `of` (only `options`, or all) that need `needs` to be `among` these, or to differ."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: list[str]
    options: list[str] = Field(default_factory=list)
    needs: str
    among: list[str] = Field(default_factory=list)
    differs: bool = False
    why: str
    instead: str


class Questionnaire(BaseModel):
    """Everything copier.yml says. `root` is the folder it was read from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path
    settings: dict[str, Any]
    questions: dict[str, Question]

    @cached_property
    def asked(self) -> list[Question]:
        """The questions a person may answer, in order."""
        return [question for question in self.questions.values() if not question.computed]

    @cached_property
    def rules(self) -> list[Rule]:
        """The table of pairs that make no sense."""
        return [Rule.model_validate(rule) for rule in self.questions["rules"].default]

    @property
    def templates(self) -> dict[str, str]:
        """Each template with the sentence that describes it."""
        return {value: label for label, value in self.questions["template"].choices.items()}


def load(root: Path) -> Questionnaire:
    """Read `root`/copier.yml and its includes. Raises ValidationError for a malformed question."""
    settings, questions = question_files.read(lambda name: (root / name).read_bytes())
    models = {name: Question.model_validate({"name": name, **stated}) for name, stated in questions.items()}
    return Questionnaire(root=root, settings=settings, questions=models)


@cache
def current() -> Questionnaire:
    """What the templates of this installation ask."""
    return load(source.questions_root())
