"""The files of a run: tools write them into a folder, the database keeps them, so that any worker can go on."""

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from app.runs.entries import File

MOST_BYTES = 10_000_000  # of one file that is kept
TYPES = {".csv": "text/csv", ".md": "text/markdown", ".svg": "image/svg+xml", ".tf": "text/plain"}


def read_files(folder: Path, names: Sequence[str]) -> list[File]:
    """The named files of a folder, as they are kept; what is missing, linked or too large is left out."""
    paths = [folder / name for name in names if Path(name).name == name]
    kept = [path for path in paths if path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_BYTES]
    return [File(path.name, media_type(path.name), path.read_bytes()) for path in kept]


def restore(folder: Path, files: Sequence[File]) -> None:
    """Write the files that are missing in a folder, which may be a new one on another machine."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        path = folder / file.name
        if not path.exists():
            part = folder / f".{file.name}.part"
            part.write_bytes(file.data)
            part.replace(path)


def media_type(name: str) -> str:
    """What kind of file the name's ending says."""
    return TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
