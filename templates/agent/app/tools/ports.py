"""What a tool is: typed arguments in, words for the model out, within a permission level and limits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from app.errors import AppError


class Permission(IntEnum):
    """What a tool may touch; from `APP_AGENT__APPROVAL_FROM` on, a person is asked first."""

    READ = 1  # looks something up
    WRITE = 2  # makes files in the run's own folder, or changes the owner's memory
    ACT = 3  # has an effect outside, such as an e-mail


class ToolFailed(AppError):
    """A tool could not do its work; the message is what the model reads."""

    status = 422
    title = "Tool failed"


@dataclass(frozen=True)
class ToolContext:
    """Whose call this is. `call` is the same when a call is repeated after a crash; `folder` holds the run's files."""

    run: str
    owner: str
    call: str
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What a tool gives back: `text` for the model, and the names of the files that it made in the run's folder."""

    text: str
    artefacts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tool:
    """One tool. `work` raises ToolFailed for what the model can mend; only a tool with `attempts` above 1 is repeated.

    `seconds` is the longest time for one attempt. `trusted` is False where the text comes from outside.
    """

    name: str
    description: str
    permission: Permission
    arguments: type[BaseModel]
    work: Callable[[Any, ToolContext], Awaitable[Outcome]]
    seconds: float = 20.0
    attempts: int = 1
    trusted: bool = True


@dataclass(frozen=True)
class ToolResult:
    """How a call ended. `text` is what the model reads, limited in size; `ok` is False where the tool failed."""

    ok: bool
    text: str
    seconds: float
    artefacts: tuple[str, ...] = ()
