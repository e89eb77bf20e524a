"""`shipfolio new` as a list of small steps: check, render, lock, commit, publish."""

from __future__ import annotations

import shlex
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shipfolio import git, repository
from shipfolio.source import Snapshot, Source
from shipfolio.staging import checked_destination, disk_error, staged, termination_as_interrupt

TREE_LINES = 12
SET_AUTHOR = 'run `git config --global user.name "Your Name"` and `git config --global user.email you@example.com`'
COMMIT_BY_HAND = 'run `git add --all && git commit -m "First commit"` in the project'


@dataclass(frozen=True)
class Request:
    """What to make. `answers` are complete and checked."""

    template: str
    path: Path
    answers: dict[str, str]
    source: Source
    with_git: bool = True
    with_lock: bool = True


@dataclass
class Project:
    """What was made."""

    path: Path
    template: str
    version: str
    answers: dict[str, Any]
    files: list[str]
    commit: str | None = None
    notes: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The JSON document of the command."""
        return {
            "path": str(self.path),
            "template": self.template,
            "version": self.version,
            "answers": self.answers,
            "files": self.files,
            "commit": self.commit,
            "notes": self.notes,
            "next_steps": self.next_steps,
        }


def create(request: Request) -> Project:
    """Make the project at `request.path`, all or nothing. Raises ShipfolioError with nothing left behind."""
    destination = checked_destination(request.path)
    try:
        with termination_as_interrupt(), request.source.snapshot() as snapshot, staged(destination) as folder:
            project = _render(request, snapshot, folder)
            if request.with_lock:
                _lock(project, folder)
            if request.with_git:
                _commit(project, folder)
    except OSError as error:
        raise disk_error(error) from error
    project.path = destination
    project.next_steps = next_steps(request.path)
    return project


def preview(request: Request) -> Project:
    """What `create` would make, rendered into a temporary folder that is gone afterwards."""
    destination = checked_destination(request.path)
    try:
        with (
            request.source.snapshot() as snapshot,
            tempfile.TemporaryDirectory(prefix="shipfolio-dry-") as folder,
        ):
            project = _render(request, snapshot, Path(folder) / destination.name)
    except OSError as error:
        raise disk_error(error) from error
    project.path = destination
    return project


def next_steps(path: Path) -> list[str]:
    """The commands to paste."""
    target = f"./{path}" if str(path).startswith("-") else str(path)
    return [f"cd {shlex.quote(target)}", "make demo", "make check"]


def tree(files: list[str], limit: int = TREE_LINES) -> list[str]:
    """The top level in at most `limit` lines: folders with their number of files, then files."""
    folders = Counter(name.split("/")[0] for name in files if "/" in name)
    lines = [f"{name}/ ({count} file{'s' if count > 1 else ''})" for name, count in sorted(folders.items())]
    lines += sorted(name for name in files if "/" not in name)
    if len(lines) > limit:
        lines = [*lines[: limit - 1], f"... and {len(lines) - limit + 1} more"]
    return lines


def _render(request: Request, snapshot: Snapshot, folder: Path) -> Project:
    from shipfolio import engine  # imports Copier, which takes longer than everything else together

    rendered = engine.render(request.source, snapshot, request.answers, folder)
    notes = []
    if request.source.uncommitted():
        notes.append("the checkout has uncommitted template changes; they are not in this project")
    return Project(
        path=folder,
        template=request.template,
        version=snapshot.version,
        answers=rendered.answers,
        files=rendered.files,
        notes=notes,
    )


def _lock(project: Project, folder: Path) -> None:
    note = repository.lock(folder)
    if note:
        project.notes.append(note)
    else:
        project.files = sorted([*project.files, "uv.lock"])


def _commit(project: Project, folder: Path) -> None:
    """The first commit. Where it cannot be made the project stands, staged, with a note that says how."""
    repository.initialise(folder)
    if not repository.has_author(folder):
        project.notes.append(f"no first commit, git knows no author: {SET_AUTHOR}; then {COMMIT_BY_HAND}")
        return
    try:
        project.commit = repository.commit(folder, project.template, project.version)
    except git.GitFailed as error:
        project.notes.append(f"no first commit: {error.message}; mend that, then {COMMIT_BY_HAND}")
