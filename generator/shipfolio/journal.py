"""A note in the git folder that an update has begun, so that a killed one is noticed and its remedy is known."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "update.json"
OURS = "shipfolio"


@dataclass(frozen=True)
class Journal:
    """An update from `branch` (at `commit`) to the new branch `target`."""

    branch: str
    commit: str
    target: str


def folder(git_dir: Path) -> Path:
    """Where our notes lie in a repository."""
    return git_dir / OURS


def write(git_dir: Path, entry: Journal) -> None:
    """Note that an update begins."""
    folder(git_dir).mkdir(exist_ok=True)
    replace_file(folder(git_dir) / NAME, json.dumps(asdict(entry)).encode())


def read(git_dir: Path) -> Journal | None:
    """The update that has begun and not ended; None where there is none."""
    try:
        return Journal(**json.loads((folder(git_dir) / NAME).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def clear(git_dir: Path) -> None:
    """Note that it ended."""
    (folder(git_dir) / NAME).unlink(missing_ok=True)


def undo(project: Path, branch: str) -> str:
    """The command that brings a project back to the branch it was on, whatever an update left in the work tree."""
    return f"git{at(project)} checkout --force {shlex.quote(branch)}"


def at(project: Path) -> str:
    """How git is told to work in a project: nothing where that is the current folder."""
    return "" if project == Path.cwd() else f" -C {shlex.quote(str(project))}"


def notes(project: Path) -> list[str]:
    """What `status` says of an update that was stopped half-way."""
    entry = read(git_folder(project))
    return [f"an update was stopped half-way; undo it with `{undo(project, entry.branch)}`"] if entry else []


def git_folder(project: Path) -> Path:
    """The git folder of a project, found without git: `.git`, or where that file points."""
    pointer = project / ".git"
    if not pointer.is_file():
        return pointer
    target = pointer.read_text("utf-8", "replace").removeprefix("gitdir:").strip()
    return project / target


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step: after a kill it is the old one or the new one."""
    beside = path.with_name(f"{path.name}.shipfolio")
    beside.write_bytes(content)
    beside.replace(path)
