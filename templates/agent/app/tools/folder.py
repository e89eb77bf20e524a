"""The files of one run: written whole or not at all, read by plain names only."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from app.tools.ports import ToolContext, ToolFailed

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}\.(?:csv|svg|md|html|tf)")
MAX_BYTES = 5_000_000  # of one file


def file_name(kind: str, context: ToolContext, suffix: str) -> str:
    """A name that belongs to this call: the same when it is repeated, another for any other call of the run."""
    words = re.sub(r"[^a-z0-9]+", "-", context.call.lower()).strip("-")
    return f"{kind}-{words[-40:].strip('-')}{suffix}"


def save(context: ToolContext, files: Mapping[str, str]) -> tuple[str, ...]:
    """Write text files into the run's folder, all of them or none, and return their names.

    Raises:
        ToolFailed: a file is too large, or the disk refuses.
    """
    drafts: dict[Path, Path] = {}
    try:
        context.folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            data = text.encode("utf-8", "replace")
            if len(data) > MAX_BYTES:
                raise ToolFailed(f"{name} would have {len(data)} bytes; at most {MAX_BYTES} are allowed.")
            draft = context.folder / f".{uuid4().hex}"
            drafts[draft] = context.folder / name
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for draft, target in drafts.items():
            draft.replace(target)
    except OSError as error:
        raise ToolFailed(f"The files could not be written: {error.strerror}.", "Free space, then try again.") from None
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return tuple(files)


def read(context: ToolContext, name: str, suffix: str = "") -> str:
    """The text of a file that this run made.

    Raises:
        ToolFailed: no such file; the message lists those that there are.
    """
    path = context.folder / name
    if not NAME.fullmatch(name) or not name.endswith(suffix) or path.is_symlink() or not path.is_file():
        there = ", ".join(names(context, suffix)) or "none yet"
        raise ToolFailed(f"This run has no file {name[:100]!r}. Files{suffix and f' *{suffix}'}: {there}.")
    return path.read_text(encoding="utf-8")


def names(context: ToolContext, suffix: str = "") -> list[str]:
    """The names of the run's files, sorted."""
    if not context.folder.is_dir():
        return []
    return sorted(p.name for p in context.folder.iterdir() if NAME.fullmatch(p.name) and p.name.endswith(suffix))
