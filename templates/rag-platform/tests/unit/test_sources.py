"""No name that a caller makes up leaves the folder that it would be joined to, on any system."""

import itertools
import ntpath
import posixpath
from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.ingestion.sources import checked_name, documents_in

PARTS = [
    "a",
    "b.md",
    "..",
    ".",
    "",
    "...",
    ". .",
    " ..",
    "C:",
    "C:x",
    "\\",
    "..\\..",
    "\\\\host",
    "~",
    "\0",
    "\n",
    "\u202e",
]


@pytest.mark.parametrize("name", ["hr/leave.md", "ünïcode/名前.txt", "a b/c (2).pdf", ".hidden.md", "x..y.md"])
def test_an_honest_name_is_kept(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "../x.md", "/etc/passwd", "a//b.md", "a\nb.md", "x" * 301, "C:\\x.md", "a/..", "a/.. /b", "a/b.md "]
)
def test_names_with_tricks_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="no document name"):
        checked_name(name)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_no_combination_of_tricks_escapes(length: int) -> None:
    accepted = 0
    for parts in itertools.product(PARTS, repeat=length):
        name = "/".join(parts)
        try:
            checked_name(name)
        except InvalidInput:
            continue
        accepted += 1
        assert posixpath.normpath(posixpath.join("/box", name)).startswith("/box/"), name
        assert ntpath.normpath(ntpath.join("D:\\box", name)).startswith("D:\\box\\"), name
    assert accepted


def test_a_folder_gives_its_documents_by_relative_name(tmp_path: Path) -> None:
    for name in ("b.md", "sub/a.TXT", "sub/skipped.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [name for name, _ in documents_in([tmp_path, tmp_path / "b.md"])] == ["b.md", "sub/a.TXT", "b.md"]
