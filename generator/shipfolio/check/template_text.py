"""What the templates wrote, to tell it from what the learner wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

from shipfolio import source
from shipfolio.errors import ShipfolioError

SHINGLE = 5
READ = {".md", ".jinja", ".yaml", ".yml", ".py", ".jsonl", ".json"}
PROSE = {".md", ".jinja"}
REVISION = re.compile(r"[A-Za-z0-9][\w.+-]{0,99}")
WORD = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)  # caches are keyed by it: comparing sets of 30,000 runs costs milliseconds
class TemplateText:
    """Lines, runs of five words (in prose) and golden cases of the templates, these with single spaces."""

    lines: frozenset[str] = frozenset()
    shingles: frozenset[tuple[str, ...]] = frozenset()
    golden: str = ""

    @classmethod
    def of(cls, version: str) -> TemplateText:
        """The text of the newest version, and of `version` where this installation knows it."""
        return _read(version if REVISION.fullmatch(version) else "")

    def plus(self, other: TemplateText) -> TemplateText:
        """Both together."""
        lines, shingles = self.lines | other.lines, self.shingles | other.shingles
        return replace(self, lines=lines, shingles=shingles, golden=self.golden + other.golden)

    def own_words(self, text: str) -> int:
        """How many words of a text are not part of a run of five that a template wrote."""
        words = _words(text)
        known = [False] * len(words)
        for at in range(len(words) - SHINGLE + 1):
            if tuple(words[at : at + SHINGLE]) in self.shingles:
                known[at : at + SHINGLE] = [True] * SHINGLE
        return known.count(False)

    def own_lines(self, text: str) -> list[str]:
        """The lines of a text that no template holds, stripped, without empty ones."""
        return [line for line in map(str.strip, text.splitlines()) if line and line not in self.lines]


@lru_cache(maxsize=32)
def _read(version: str) -> TemplateText:
    text = TemplateText()
    try:
        with source.find().history() as history:
            for name in dict.fromkeys([history.newest, version or history.newest]):
                text = text.plus(read_files(history.archive(name).files))
    except ShipfolioError:
        return text
    return text


def read_files(files: Mapping[str, bytes]) -> TemplateText:
    """The text of the files of a template repository."""
    lines: set[str] = set()
    shingles: set[tuple[str, ...]] = set()
    golden: list[str] = []
    for path in map(PurePosixPath, files):
        if path.suffix not in READ:
            continue
        text = files[str(path)].decode("utf-8", "replace")
        lines.update(map(str.strip, text.splitlines()))
        if path.suffix in PROSE:
            words = _words(text)
            shingles.update(tuple(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1))
        if "golden" in path.parts:
            golden.append(text)
    return TemplateText(frozenset(lines), frozenset(shingles), " ".join("\n".join(golden).split()))


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())
