"""Lets Copier merge a newer template in a throw-away copy of the project, and says what came of it.

The copy holds what is committed and nothing else, so files that git ignores cannot be touched. Copier loses an edit
where the template dropped or renamed the file, and where it cannot merge (binary files); what it lost is put back.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from shipfolio import git
from shipfolio.project import ANSWERS_FILE

MARKER = b"<<<<<<< before updating"
ALIKE = 0.5
DROPPED = "the template dropped this file"
MOVED = "the template moved this file"
UNMERGED = "this file cannot be merged, so the template's changes to it were left out"
IN_THE_WAY = "a file of yours that git ignores has this name, so the template's new file was left out"
LIMIT = 400


@dataclass(frozen=True)
class Conflict:
    """A file that both sides changed in the same place, with the lines where each conflict begins."""

    path: str
    lines: list[int]


@dataclass(frozen=True)
class Kept:
    """A learner's file that was left as it is, against the template, and why. `moved_to` is the file's new name."""

    path: str
    reason: str
    moved_to: str = ""


@dataclass
class Merged:
    """The tree after the merge, and every path that differs from the commit before, in exactly one list.

    `lost` are lines that could be kept nowhere (in the answers file). `stages` are git's entries of the conflicts.
    """

    tree: str = ""
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    lost: dict[str, list[str]] = field(default_factory=dict)
    stages: bytes = b""


@dataclass(frozen=True)
class Change:
    """One line of git's raw diff between the commit and the result of the merge."""

    status: str
    path: str
    mode: str
    blob: str


@contextmanager
def copy_of(repository: Path, commit: str) -> Iterator[Path]:
    """A clone that borrows the repository's objects and writes nothing into it; named like it, as Copier sees names."""
    common = Path(git.text("rev-parse", "--path-format=absolute", "--git-common-dir", cwd=repository))
    with tempfile.TemporaryDirectory(prefix="shipfolio-update-") as folder:
        clone = Path(folder) / repository.name
        clone.mkdir()
        git.run("init", "--quiet", cwd=clone, env=git.ISOLATED)
        (clone / ".git/objects/info/alternates").write_text(f"{common / 'objects'}\n", "utf-8")
        if (common / "shallow").is_file():
            (clone / ".git/shallow").write_bytes((common / "shallow").read_bytes())
        git.run("reset", "--hard", "--quiet", commit, cwd=clone, env=git.ISOLATED)
        yield clone


def result(clone: Path, project: Path, base: Mapping[str, bytes]) -> Merged:
    """What Copier left in the clone, with what it lost put back. `base` is the old version, as rendered."""
    stages = git.run("ls-files", "--unmerged", "-z", cwd=clone, env=git.ISOLATED)
    conflicting = {os.fsdecode(entry.partition(b"\t")[2]) for entry in stages.split(b"\0") if entry}
    git.run("add", "--all", "--force", cwd=clone, env=git.ISOLATED)
    changes = _changes(clone)
    contents = _contents(clone, [change.blob for change in changes if change.status != "A"])
    merged = Merged(stages=stages)
    corrections = []
    for change in changes:
        corrections += _sort(merged, change, contents.get(change.blob, b""), base, clone, project, conflicting)
    if corrections:
        git.run("update-index", "-z", "--index-info", cwd=clone, data=b"".join(corrections), env=git.ISOLATED)
    _find_new_places(merged, base, clone)
    merged.tree = git.text("write-tree", cwd=clone, env=git.ISOLATED)
    return merged


def _sort(
    merged: Merged,
    change: Change,
    mine: bytes,
    base: Mapping[str, bytes],
    clone: Path,
    project: Path,
    conflicting: set[str],
) -> list[bytes]:
    """Put a change into its list; returns the index entries that keep what Copier lost."""
    path = change.path
    if path in conflicting:
        merged.conflicts.append(Conflict(path, _marked((clone / path).read_bytes())))
    elif change.status == "A":
        if not _in_the_way(project, path):
            merged.added.append(path)
        else:
            merged.kept.append(Kept(path, IN_THE_WAY))
            return [b"0 %s\t%s\0" % (b"0" * 40, os.fsencode(path))]
    elif mine == base.get(path):
        (merged.removed if change.status == "D" else merged.changed).append(path)
    elif change.status == "D":
        merged.kept.append(Kept(path, DROPPED))
        return [_entry(change)]
    else:
        gone = missing(mine, base.get(path, b""), _content(clone / path))
        if gone and path != ANSWERS_FILE:
            merged.kept.append(Kept(path, UNMERGED))
            return [_entry(change)]
        if gone:
            merged.lost[path] = gone
        merged.merged.append(path)
    return []


def missing(mine: bytes, base: bytes, after: bytes) -> list[str]:
    """The lines that the learner added to `base` and that are not in `after`; a binary file is one line."""
    if b"\0" in mine + base + after:
        return [] if mine == after else ["(binary content)"]
    added = Counter(mine.splitlines()) - Counter(base.splitlines())
    return [line.decode("utf-8", "replace") for line in added - Counter(after.splitlines())]


def _entry(change: Change) -> bytes:
    return f"{change.mode} {change.blob}\t".encode() + os.fsencode(change.path) + b"\0"


def _changes(clone: Path) -> list[Change]:
    """What the merge did, path by path; mode and blob are those of the commit before."""
    fields = git.names(
        "diff", "--cached", "--raw", "--no-renames", "--no-abbrev", "-z", "HEAD", cwd=clone, env=git.ISOLATED
    )
    changes = []
    for described, path in zip(fields[::2], fields[1::2], strict=True):
        mode, _, blob, _, status = described.lstrip(":").split()
        changes.append(Change(status[0], path, mode, blob))
    return changes


def _contents(clone: Path, blobs: list[str]) -> dict[str, bytes]:
    """The content of each blob, read in one process."""
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    output = git.run("cat-file", "--batch", cwd=clone, data=asked, env=git.ISOLATED) if blobs else b""
    contents, position = {}, 0
    while position < len(output):
        end = output.index(b"\n", position)
        blob, kind, size = (*output[position:end].decode().split(), "0")[:3]
        length = int(size) if kind == "blob" else 0
        contents[blob] = output[end + 1 : end + 1 + length]
        position = end + 2 + length if kind == "blob" else end + 1
    return contents


def _content(path: Path) -> bytes:
    """A file's bytes; of a symbolic link its target, as git stores it."""
    return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()


def _in_the_way(project: Path, path: str) -> bool:
    """Whether something that git does not know lies where a new file would go, or where one of its folders would."""
    target = project / path
    if os.path.lexists(target):
        return True
    parents = [project / parent for parent in Path(path).parents if parent.name]
    return any(os.path.lexists(parent) and (parent.is_symlink() or not parent.is_dir()) for parent in parents)


def _marked(content: bytes) -> list[int]:
    return [number for number, line in enumerate(content.splitlines(), start=1) if line.rstrip() == MARKER]


def _find_new_places(merged: Merged, base: Mapping[str, bytes], clone: Path) -> None:
    """Say of each dropped file which added file is its successor: the most similar one."""
    for index, kept in enumerate(merged.kept):
        if kept.reason != DROPPED or b"\0" in base.get(kept.path, b""):
            continue
        before = base.get(kept.path, b"").splitlines()
        scores = {path: _likeness(before, (clone / path).read_bytes().splitlines()) for path in merged.added}
        best = max(scores, key=scores.__getitem__, default="")
        if best and scores[best] >= ALIKE:
            merged.kept[index] = Kept(kept.path, MOVED, best)


def _likeness(before: list[bytes], after: list[bytes]) -> float:
    if max(len(before), len(after)) > LIMIT * 10:
        return 0.0
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= ALIKE else 0.0
