"""A repository as an archive: its readable files, and why the others were left out. Nothing is written to a disk."""

import io
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.devtools.code import MAX_CODE_BYTES
from app.errors import InvalidInput, UnreadableDocument
from app.ingestion.library import Source
from app.ingestion.sources import checked_name

MAX_ENTRIES = 20_000
MAX_FILES = 2_000
MAX_UNPACKED_BYTES = 50_000_000
ENTRY = b"PK\x01\x02"  # begins each file's entry in an archive's table of contents
LEFT_OUT = frozenset(
    "node_modules bower_components vendor third_party site-packages venv dist build target __pycache__ __MACOSX".split()
)
GENERATED = (".min.js", ".lock", "-lock.yaml", "_pb2.py", ".d.ts")
OTHER_PEOPLES = "generated, or other people's code"


@dataclass(frozen=True, slots=True)
class Repository:
    """The files to read, named `<repository>/<path>`, and how many were left out for which reason."""

    sources: tuple[Source, ...]
    left_out: dict[str, int]


def unpack(name: str, data: bytes, readable: Collection[str]) -> Repository:
    """The files of a zip archive whose suffix is `readable`; a single folder around everything is taken off.

    Raises:
        UnreadableDocument: damaged, encrypted, or so large unpacked that it would fill the memory.
        InvalidInput: a bad name, too many files, or none that can be read.
    """
    if data.count(ENTRY) > MAX_ENTRIES:
        raise InvalidInput(f"The archive of {name!r} has more than {MAX_ENTRIES:,} files.", "Send a part of it.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(name, archive, readable)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise UnreadableDocument(f"The archive of {name!r} is damaged: {error}.", "Make a plain zip file.") from None


def _read(name: str, archive: zipfile.ZipFile, readable: Collection[str]) -> Repository:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    _check(name, entries)
    top = _folder_around(entries)
    left_out: Counter[str] = Counter()
    sources = []
    for entry, path in ((entry, entry.filename.removeprefix(top)) for entry in entries):
        reason = why_not(path, entry, readable)
        if reason:
            left_out[reason] += 1
            continue
        if len(sources) == MAX_FILES:
            raise InvalidInput(f"{name!r} has more than {MAX_FILES:,} readable files.", "Send a part of it.")
        with archive.open(entry) as opened:
            content = opened.read(MAX_CODE_BYTES + 1)  # what an entry says of its size may be a lie
        if not content.strip() or b"\0" in content or len(content) > MAX_CODE_BYTES:
            left_out["empty, binary or too large"] += 1
            continue
        sources.append(Source(checked_name(f"{name}/{path}"), content))
    if not sources:
        raise InvalidInput(f"{name!r} has no file that can be read.", f"Known types: {', '.join(sorted(readable))}.")
    return Repository(tuple(sources), dict(left_out))


def _check(name: str, entries: Collection[zipfile.ZipInfo]) -> None:
    """Refuse the archive as a whole before anything is unpacked."""
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableDocument(f"The archive of {name!r} is encrypted.", "Make one without a password.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        raise UnreadableDocument(
            f"{name!r} would unpack to {unpacked:,} bytes.", f"The limit is {MAX_UNPACKED_BYTES:,}; send a part of it."
        )
    for entry in entries:
        checked_name(f"{name}/{entry.filename}")


def why_not(path: str, entry: zipfile.ZipInfo, readable: Collection[str]) -> str:
    """Why this file is left out; empty when it is to be read."""
    parts = PurePosixPath(path).parts
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link"
    if any(part in LEFT_OUT or part.startswith(".") for part in parts) or path.endswith(GENERATED):
        return OTHER_PEOPLES
    if PurePosixPath(path).suffix.lower() not in readable:
        return "of an unknown type"
    return "empty, binary or too large" if entry.file_size > MAX_CODE_BYTES else ""


def _folder_around(entries: Collection[zipfile.ZipInfo]) -> str:
    """The one folder that holds everything, with its slash, as archives of a commit have it; else empty."""
    tops = {entry.filename.partition("/")[:2] for entry in entries}
    if len(tops) == 1:
        ((folder, slash),) = tops
        return f"{folder}/" if slash else ""
    return ""
