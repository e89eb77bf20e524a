"""What `new`, `templates` and their dry runs print."""

from __future__ import annotations

from typing import Any

from shipfolio.console import Console
from shipfolio.create import Project, tree
from shipfolio.questions import Questionnaire
from shipfolio.schema import questions_of


def created(console: Console, project: Project) -> None:
    """The closing words of `new`: the tree, the commands to paste, one pointer."""
    console.document(project.document())
    if console.as_json:
        return
    console.result(f"Created {project.path} from {project.template} {project.version}", "bold green")
    for line in tree(project.files):
        console.result(f"  {line}")
    for note in project.notes:
        console.note(note)
    console.result("Next:")
    for command in project.next_steps:
        console.result(f"  {command}", "cyan")
    console.result("Then read README.md.")


def previewed(console: Console, project: Project) -> None:
    """What `new --dry-run` prints: every file and every answer."""
    console.document({**project.document(), "dry_run": True})
    if console.as_json:
        return
    console.result(f"Would create {project.path} from {project.template} {project.version}", "bold")
    for name in project.files:
        console.result(f"  {name}")
    console.result("Answers:")
    for name, value in project.answers.items():
        console.result(f"  {name}: {value!r}")
    for note in project.notes:
        console.note(note)


def templates(console: Console, questionnaire: Questionnaire, name: str | None) -> None:
    """The templates with one sentence each, or the questions of one with their answers."""
    if name is None:
        console.document(questionnaire.templates)
        for template, sentence in questionnaire.templates.items():
            console.result(f"{template:<14} {sentence}")
        return
    console.document(_described(questionnaire, name))
    console.result(f"{name}: {questionnaire.templates[name]}", "bold")
    for question in questions_of(questionnaire, name)[1:]:
        console.result(f"{question.option:<20} {question.help}")
        for label, value in question.choices.items():
            console.result(f"{'':<20}   {value:<14} {label}")


def _described(questionnaire: Questionnaire, name: str) -> dict[str, Any]:
    questions = [
        {"name": q.name, "help": q.help, "choices": {value: label for label, value in q.choices.items()}}
        for q in questions_of(questionnaire, name)[1:]
    ]
    return {"name": name, "description": questionnaire.templates[name], "questions": questions}
