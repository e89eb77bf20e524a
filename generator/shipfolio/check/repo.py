"""A foreign repository as data: bounded, never followed out of its folder, nothing of it ever run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Set
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from shipfolio import untrusted_yaml
from shipfolio.check.history import History
from shipfolio.check.template_text import TemplateText

MAX_FILES = 20_000
MAX_BYTES = 1_000_000
BINARY_PROBE = 8_000
NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none
PLAINLY = os.O_RDONLY | NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
SKIPPED = {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", ".terraform", "site-packages"}


class Repo:
    """What the rules may ask. Every text is cut at `MAX_BYTES`; a file that is no text reads as empty.

    `notes` tells what was left out, so that no rule passes or fails in silence.
    """

    def __init__(self, root: Path, history: History, template: TemplateText | None = None) -> None:
        self.root = root.resolve()
        self.history = history
        self.notes: list[str] = [history.missing] if history.missing else []
        self._given_template = template
        self._contents: dict[str, bytes | None] = {}
        self._texts: dict[str, str] = {}
        self._modes: dict[str, int | None] = {}
        self._folders: dict[str, bool] = {}

    def __deepcopy__(self, _memo: object) -> Repo:
        """repo-review copies what it hands out; this one only reads."""
        return self

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The regular files that git tracks or would track (all, where there is no git), as POSIX paths, sorted."""
        found = sorted(name for name in (self._walk() if self.history.missing else self._listed) if self._is_file(name))
        if len(found) > MAX_FILES:
            self.notes.append(f"only the first {MAX_FILES} of {len(found)} files were read")
        return tuple(found[:MAX_FILES])

    @property
    def dirty(self) -> bool:
        """Whether anything differs from the last commit. Contents that are as the index says need no git to tell."""
        clean = all(staged == self._staged(name) for name, staged in self._listed.items())
        return not (clean and self.history.nothing_staged()) and self.history.dirty()

    @cached_property
    def template(self) -> TemplateText:
        """The text that the templates wrote, this version's and the one that the repository was made from."""
        return self._given_template or TemplateText.of(str(self.answers.get("_commit", "")))

    @cached_property
    def answers(self) -> dict[str, Any]:
        """What .copier-answers.yml records; empty where there is none."""
        content = self.parsed(".copier-answers.yml")
        return content if isinstance(content, dict) else {}

    def named(self, pattern: str) -> list[str]:
        """The files whose whole path matches a regular expression, upper and lower case alike."""
        return list(_named(pattern, self.files))

    def text(self, name: str) -> str:
        """A file as text; empty where it is binary, absent or not a file of this folder."""
        if name not in self._texts:
            self._texts[name] = _decoded((self._content(name) or b"")[:MAX_BYTES])
        return self._texts[name]

    def blob_ids(self) -> Set[str]:
        """The ids that git gives to the files as they are now, without those longer than `MAX_BYTES`."""
        return {self._blob(name) for name in self.files} - {""}

    def holds(self, name: str, content: bytes) -> bool | None:
        """Whether a file is exactly this; None where there is no such file."""
        found = self._content(name) if len(content) <= MAX_BYTES else self._read(name, len(content) + 1)
        return None if found is None else found == content

    def joined(self, pattern: str) -> str:
        """The texts of the files that match, one after the other."""
        return "\n".join(self.text(name) for name in self.named(pattern))

    def first(self, pattern: re.Pattern[str], name: str) -> str:
        """What a pattern finds first in a file; empty where it finds nothing."""
        return _first(pattern, self.text(name))

    def parsed(self, name: str) -> Any:
        """The content of a YAML or JSON file, to be read only; None where it cannot be parsed."""
        return _parsed(self.text(name), name.endswith(".json"))

    @cached_property
    def _listed(self) -> dict[str, str]:
        return self.history.listed()

    def _staged(self, name: str) -> str:
        """Mode, blob id and stage that the index would have of a file as it is; empty where that is not known here."""
        blob, mode = self._blob(name), self._mode(name)
        if not blob or mode is None:
            return ""
        return f"{'100755' if mode & stat.S_IXUSR else '100644'} {blob} 0"

    def _blob(self, name: str) -> str:
        """The id that git gives to a file as it is now; empty where there is none, or more than `MAX_BYTES`."""
        content = self._content(name)
        return "" if content is None or len(content) > MAX_BYTES else _blob_id(content)

    def _content(self, name: str) -> bytes | None:
        """A file, read once, with one byte more than `MAX_BYTES` where it is longer; None where there is no such."""
        if name not in self._contents:
            self._contents[name] = self._read(name, MAX_BYTES + 1)
        return self._contents[name]

    def _read(self, name: str, size: int) -> bytes | None:
        """The first bytes of a file: never through a symbolic link, never of a pipe or a device.

        Plain system calls, because they take half the time of a Path and a file object, and there are 400 files.
        """
        path = f"{self.root}/{name}"
        try:
            if not (self._inside(os.path.dirname(path)) if NO_LINK else self._is_file(name)):  # noqa: PTH120
                return None
            file = os.open(path, PLAINLY)
        except PermissionError:
            return b"" if self._is_file(name) else None
        except (OSError, ValueError):
            return None
        try:
            there = os.fstat(file)
            return os.read(file, min(size, there.st_size)) if stat.S_ISREG(there.st_mode) else None
        except OSError:
            return b""
        finally:
            os.close(file)

    def _is_file(self, name: str) -> bool:
        return self._mode(name) is not None

    def _mode(self, name: str) -> int | None:
        """The mode of a regular file; None where the name is of something else or goes through a symbolic link."""
        if name not in self._modes:
            path = f"{self.root}/{name}"
            try:
                mode = os.lstat(path).st_mode
                there = stat.S_ISREG(mode) and self._inside(os.path.dirname(path))  # noqa: PTH120
            except (OSError, ValueError):
                mode, there = 0, False
            self._modes[name] = mode if there else None
        return self._modes[name]

    def _inside(self, folder: str) -> bool:
        """Whether a folder is what it is called: no part of its path is a symbolic link, none climbs."""
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder) == folder
        return self._folders[folder]

    def _walk(self) -> list[str]:
        found: list[str] = []
        for folder, folders, names in os.walk(self.root, followlinks=False):
            folders[:] = [name for name in folders if name not in SKIPPED]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in names]  # noqa: PTH118
            if len(found) > MAX_FILES:
                break
        return [name.replace(os.sep, "/") for name in found]


# Most files of a cohort are the same in every repository: what was worked out for one is kept for the next.


@lru_cache(maxsize=500)
def _named(pattern: str, names: tuple[str, ...]) -> tuple[str, ...]:
    matches = re.compile(pattern, re.IGNORECASE).fullmatch
    return tuple(name for name in names if matches(name))


@lru_cache(maxsize=2_000)
def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=2_000)
def _decoded(content: bytes) -> str:
    return "" if b"\0" in content[:BINARY_PROBE] else content.decode("utf-8", "replace")


@lru_cache(maxsize=20_000)
def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


@lru_cache(maxsize=500)
def _parsed(text: str, as_json: bool) -> Any:
    try:
        return json.loads(text) if as_json else untrusted_yaml.load(text)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None
