"""Reads a roster and reports everything that is wrong with it at once, with row numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from shipfolio import untrusted_yaml
from shipfolio.errors import UsageError
from shipfolio.hints import did_you_mean

REQUIRED = ("id", "name")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*\.(git|lock)|.*\.")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MAX_BYTES = 50_000_000
MAX_CELL = 1_000
SHOWN = 50


@dataclass(frozen=True)
class Row:
    """One learner as the roster has it; `answers` without empty cells."""

    number: int
    id: str
    name: str
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Something wrong in one row; row 0 is the file as a whole."""

    row: int
    text: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.text}" if self.row else self.text


class RosterError(UsageError):
    """The roster cannot be used. `problems` holds all that is wrong with it."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.row)
        lines = [f"  {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"  ... and {len(self.problems) - SHOWN} more")
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__(
            "\n".join([f"the roster {name!r} has {count}:", *lines]), "mend these rows; nothing was written"
        )


def read(path: Path, columns: list[str]) -> tuple[list[Row], list[Problem]]:
    """Every row that has cells, and every problem; the rows are good where there is none.

    `columns` are the answers that a roster may hold beside id and name.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"the roster {str(path)!r} is larger than {MAX_BYTES // 1_000_000} MB", "split it")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the roster {str(path)!r}: {error.strerror}", "check `roster:`") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [], [Problem(0, "it is UTF-16: save it as CSV UTF-8")]
    text = content.decode("utf-8-sig", "surrogateescape")
    entries = _yaml(text) if path.suffix.lower() in (".yml", ".yaml", ".json") else _csv(text)
    return _checked(entries, columns)


def _csv(text: str) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Each row with its number as a spreadsheet shows it; a text where the row is broken. Row 1 are the names."""
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text.replace("\0", "\ufffd"), newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if not header:
                header = [cell.strip() for cell in cells]
                yield number, dict.fromkeys(header, "")
                yield from ((number, f"the column {name!r} is there twice") for name in _twice(header))
            elif len(cells) > len(header):
                yield (
                    number,
                    f"{len(cells)} cells under {len(header)} column names: put quotes around text with {delimiter!r}",
                )
            elif any(cell.strip() for cell in cells):
                yield number, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        yield number + 1, f"no CSV from here on: {error}"


def _yaml(text: str) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Each entry of a list, counted from 1; entry 0 stands for the column names."""
    try:
        content = untrusted_yaml.load(text.encode("utf-8", "replace").decode("utf-8"))
    except yaml.YAMLError as error:
        yield 0, f"no YAML: {' '.join(str(error).split())}"
        return
    if not isinstance(content, list):
        yield 0, "write a list of learners, each with id and name"
        return
    yield 0, {str(key): "" for entry in content if isinstance(entry, dict) for key in entry}
    for number, entry in enumerate(content, start=1):
        if not isinstance(entry, dict):
            yield number, "write id and name as keys"
        elif wrong := [str(key) for key, value in entry.items() if not isinstance(value, str)]:
            yield number, f"{', '.join(wrong)} must be text: put it in quotes"
        else:
            yield number, {str(key): value for key, value in entry.items()}


def _checked(
    entries: Iterable[tuple[int, dict[str, str] | str]], columns: list[str]
) -> tuple[list[Row], list[Problem]]:
    rows: list[Row] = []
    found: list[Problem] = []
    seen: dict[str, int] = {}
    names: list[str] | None = None
    for number, entry in entries:
        if isinstance(entry, str):
            found.append(Problem(number, entry))
        elif names is None:
            names = list(entry)
            found += _columns(names, columns)
        else:
            found += [Problem(number, text) for text in _cells(entry, seen)]
            identity = entry.get("id", "").strip()
            seen.setdefault(identity.lower(), number)
            answers = {key: entry[key].strip() for key in columns if entry.get(key, "").strip()}
            rows.append(Row(number, identity, entry.get("name", "").strip(), answers))
    if not rows and not found:
        found.append(Problem(0, "there is nobody in it"))
    return rows, found


def _columns(names: list[str], columns: list[str]) -> Iterator[Problem]:
    for name in REQUIRED:
        if name not in names:
            yield Problem(0, f"the column {name!r} is missing")
    allowed = [*REQUIRED, *columns]
    for name in (name for name in names if name not in allowed):
        shown = _shown(name)
        yield Problem(0, f"the column {shown} is neither id, name nor one of `choices`{did_you_mean(name, allowed)}")


def _cells(entry: dict[str, str], seen: dict[str, int]) -> Iterator[str]:
    """What is wrong in the cells of one row."""
    for key, value in entry.items():
        if _undecoded(value):
            yield f"{key} is not UTF-8: save the file as CSV UTF-8"
        elif len(value) > MAX_CELL:
            yield f"{key} is longer than {MAX_CELL} characters"
        elif key != "id" and value.startswith(FORMULA):
            yield f"{key} {_shown(value)} begins like a spreadsheet formula"
        elif any(ord(character) < 32 and character not in "\t\n\r" for character in value):
            yield f"{key} {_shown(value)} holds control characters"
    identity = entry.get("id", "").strip()
    if not identity:
        yield "the id is empty"
    elif not ID.fullmatch(identity) or RESERVED.fullmatch(identity) or ".." in identity:
        yield f"the id {_shown(identity)} is no folder name of letters, digits, dots, hyphens and underscores"
    elif identity.lower() in seen:
        yield f"the id {identity!r} is already in row {seen[identity.lower()]}"


def _undecoded(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def _shown(value: str) -> str:
    text = value if len(value) <= 40 else f"{value[:37]}..."
    return ascii(text) if _undecoded(text) else repr(text)


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
