"""Where documents come from: the names that callers may give them, and the folders on this disk."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from app.errors import InvalidInput
from app.ingestion.parsing import PARSERS

SAMPLES = Path("samples")  # the documents that the demo and the evaluation read


def checked_name(name: str) -> str:
    """A document's name as sent by a caller: a relative path without tricks, on Windows as well.

    Raises:
        InvalidInput: empty, too long, absolute, with `..`, a backslash, a drive or control characters.
    """
    parts = name.split("/")
    tricky = any(part.strip(". ") == "" or part != part.strip() or "\\" in part or ":" in part for part in parts)
    if tricky or len(name) > 300 or not name.isprintable():
        raise InvalidInput(f"{name!r} is no document name.", "Use a relative path such as `hr/leave.md`.")
    return name


def documents_in(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Every document below `paths` as (name, file); a folder's files are named relative to it.

    Raises:
        InvalidInput: a path that does not exist.
    """
    for path in paths:
        if path.is_dir():
            files = sorted(f for f in path.rglob("*") if f.is_file() and f.suffix.lower() in PARSERS)
            yield from ((file.relative_to(path).as_posix(), file) for file in files)
        elif path.is_file():
            yield path.name, path
        else:
            raise InvalidInput(f"There is nothing at {str(path)!r}.", "Name a folder or a document.")
