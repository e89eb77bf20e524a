"""Reads the history of a foreign repository with a git that sees nothing of its configuration.

A repository's own `.git/config` can name programs (fsmonitor, filters, textconv, pagers, signing) and its hooks
are programs. So git is given a `.git` folder of ours: an empty configuration and copies of the refs; of the
foreign one it sees only the objects and the index.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\thooksPath = /dev/null\n\tfsmonitor = false\n"
HEX = re.compile(r"[0-9a-f]{40}")
REF = re.compile(r"refs/[\w./@+-]{1,200}")
STAGED = re.compile(r"(\d{6} [0-9a-f]{40} [0-3])\t(.+)", re.DOTALL)
MAX_REFS = 2_000
MAX_HISTORY_BYTES = 32_000_000
MAX_BLOB_BYTES = 1_000_000
ONLY_BLOBS = ("--filter=object:type=blob", "--filter-provided-objects")
MAX_SECONDS = 5.0


@dataclass(frozen=True)
class Blob:
    """One content that some commit holds, and the path that it had first."""

    id: str
    path: str
    content: bytes


@dataclass(frozen=True)
class Past:
    """Contents of earlier commits, newest first. `left_out` names what was not read of them; empty where all was."""

    blobs: list[Blob]
    left_out: list[str]


@dataclass(frozen=True)
class History:
    """One repository's past. `missing` says why there is none to read; empty where there is."""

    root: Path
    git_dir: Path | None = None
    missing: str = ""

    def listed(self) -> dict[str, str]:
        """The paths that are tracked, each with mode, blob id and stage, or new and not ignored, with ""."""
        listed = self._git("ls-files", "-z", "--stage", "--cached", "--others", "--exclude-standard")
        lines = listed.decode("utf-8", "surrogateescape").split("\0")
        staged = ((STAGED.fullmatch(line), line) for line in lines if line)
        return {found[2] if found else line: found[1] if found else "" for found, line in staged}

    def last_commit(self) -> tuple[str, int]:
        """The id of HEAD and its time in seconds since 1970; ("", 0) where nothing is committed."""
        fields = self._git("log", "-1", "--format=%H %ct").decode("ascii", "replace").split()
        return (fields[0], int(fields[1])) if len(fields) == 2 and fields[1].isdigit() else ("", 0)

    def nothing_staged(self) -> bool:
        """Whether the index holds what HEAD does."""
        return self._answer("diff-index", "--cached", "--quiet", "HEAD") is not None

    def dirty(self) -> bool:
        """Whether tracked files differ from HEAD or new ones wait. Git may read every file to tell."""
        return bool(self._git("status", "--porcelain", "--untracked-files=normal"))

    def earlier(self, known: Set[str]) -> Past:
        """The contents that any commit holds and `known` (blob ids) does not.

        Cut at `MAX_HISTORY_BYTES` or `MAX_SECONDS`. A content of more than `MAX_BLOB_BYTES` is left out.
        """
        listed = self._answer("rev-list", "--all", "--objects", *ONLY_BLOBS)
        if listed is None:
            return Past([], ["everything before the files as they are (git could not list it)"])
        fields = [line.partition(" ") for line in listed.decode("utf-8", "surrogateescape").splitlines()]
        paths = {blob: path for blob, _, path in fields if blob not in known}
        wanted = self._small_enough(list(paths))
        blobs = list(self._contents(wanted, paths))
        older, large = len(wanted) - len(blobs), len(paths) - len(wanted)
        left_out = {
            f"{older} older contents": older,
            f"{large} contents that are lost or have more than {MAX_BLOB_BYTES // 1_000_000} MB": large,
            "what this shallow clone lacks": (self.root / ".git/shallow").exists(),
        }
        return Past(blobs, [what for what, there in left_out.items() if there])

    def commit_that_added(self, blob: str) -> str:
        """The id of the first commit that holds a content."""
        found = self._git("log", "--all", "--reverse", "--format=%H", f"--find-object={blob}")
        return found.partition(b"\n")[0].decode("ascii", "replace")

    def _small_enough(self, blobs: Sequence[str]) -> list[str]:
        """Those that have at most `MAX_BLOB_BYTES`, in their order."""
        if not blobs:
            return []
        with _lines(blobs) as asked:
            sized = self._answer("cat-file", "--batch-check=%(objectname) %(objectsize)", given=asked) or b""
        sizes = dict(line.split(" ") for line in sized.decode("ascii", "replace").splitlines())
        return [blob for blob in blobs if sizes.get(blob, "").isdigit() and int(sizes[blob]) <= MAX_BLOB_BYTES]

    def _contents(self, blobs: Sequence[str], paths: Mapping[str, str]) -> Iterator[Blob]:
        """As many of the contents as there is room and time for."""
        if not blobs:
            return
        with _lines(blobs) as asked:
            process = self._start("cat-file", "--batch", given=asked)
        assert process.stdout is not None
        size, deadline = 0, time.monotonic() + MAX_SECONDS
        for blob in blobs:
            head = process.stdout.readline().split()
            if len(head) != 3 or not head[2].isdigit() or size > MAX_HISTORY_BYTES or time.monotonic() > deadline:
                break
            content = process.stdout.read(int(head[2]) + 1)[:-1]
            size += len(content)
            yield Blob(blob, paths[blob], content)
        process.kill()
        process.stdout.close()
        process.wait()

    def _git(self, *arguments: str) -> bytes:
        return self._answer(*arguments) or b""

    def _answer(self, *arguments: str, given: IO[bytes] | None = None) -> bytes | None:
        """What git prints; None where it fails or takes longer than `MAX_SECONDS`."""
        if self.git_dir is None:
            return None
        process = self._start(*arguments, given=given)
        try:
            printed = process.communicate(timeout=MAX_SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None
        return printed if process.returncode == 0 else None

    def _start(self, *arguments: str, given: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        assert self.git_dir is not None
        foreign = self.root / ".git"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= {
            "GIT_DIR": str(self.git_dir),
            "GIT_WORK_TREE": str(self.root),
            "GIT_OBJECT_DIRECTORY": str(foreign / "objects"),
            "GIT_INDEX_FILE": str(foreign / "index"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        quiet = subprocess.DEVNULL
        command = ["git", "--no-pager", *arguments]
        return subprocess.Popen(  # noqa: S603 - fixed program, arguments never reach a shell
            command, cwd=self.root, env=environment, stdin=given or quiet, stdout=subprocess.PIPE, stderr=quiet
        )


@contextmanager
def _lines(names: Sequence[str]) -> Iterator[IO[bytes]]:
    """A file with one name in each line, to be read from its start."""
    with tempfile.TemporaryFile() as file:
        file.write("".join(f"{name}\n" for name in names).encode())
        file.seek(0)
        yield file


@contextmanager
def opened(root: Path) -> Iterator[History]:
    """The history of the repository at `root`; one that says what is `missing` where it cannot be read safely."""
    problem = unreadable(root)
    if problem:
        yield History(root, missing=problem)
        return
    with tempfile.TemporaryDirectory(prefix="shipfolio-history-") as folder:
        _write_git_dir(root / ".git", Path(folder))
        yield History(root, Path(folder))


def unreadable(root: Path) -> str:
    """Why the history of a folder cannot be read without leaving the folder; empty where it can."""
    git = root / ".git"
    if git.is_symlink() or git.is_file():
        return "its history is not read: .git leads to another folder (check a clone instead)"
    if not git.is_dir():
        return "it is no git repository: nothing is known of its history"
    if shutil.which("git") is None:
        return "its history is not read: git is not installed"
    parts = [git / name for name in ("HEAD", "index", "objects", "refs", "packed-refs", "shallow")]
    if any(part.is_symlink() for part in parts) or (git / "objects/info/alternates").exists():
        return "its history is not read: .git borrows from another folder (check a clone instead)"
    if not HEX.fullmatch(_small(git / "HEAD")) and not _small(git / "HEAD").startswith("ref: refs/"):
        return "its history is not read: .git/HEAD is broken"
    return ""


def _write_git_dir(foreign: Path, ours: Path) -> None:
    """Our .git folder: no configuration of theirs, their refs."""
    (ours / "refs").mkdir()
    (ours / "config").write_text(CONFIG, "utf-8")
    head = _small(foreign / "HEAD")
    (ours / "HEAD").write_text(head + "\n", "utf-8")
    refs = dict(_packed(foreign) + _loose(foreign))
    lines = [f"{commit} {name}\n" for name, commit in sorted(refs.items())]
    (ours / "packed-refs").write_text("# pack-refs with: sorted \n" + "".join(lines), "utf-8")
    shallow = [line for line in _small(foreign / "shallow", 1_000_000).split() if HEX.fullmatch(line)]
    if shallow:
        (ours / "shallow").write_text("\n".join(shallow) + "\n", "utf-8")


def _packed(foreign: Path) -> list[tuple[str, str]]:
    pairs = [line.split(" ") for line in _small(foreign / "packed-refs", 2_000_000).splitlines()]
    return [(p[1], p[0]) for p in pairs if len(p) == 2 and HEX.fullmatch(p[0]) and REF.fullmatch(p[1])][:MAX_REFS]


def _loose(foreign: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for folder, _, names in os.walk(foreign / "refs", followlinks=False):
        for path in (Path(folder) / name for name in names):
            name, commit = path.relative_to(foreign).as_posix(), _small(path)
            if HEX.fullmatch(commit) and REF.fullmatch(name) and ".." not in name and not path.is_symlink():
                found.append((name, commit))
        if len(found) > MAX_REFS:
            break
    return found[:MAX_REFS]


def _small(path: Path, limit: int = 1_000) -> str:
    """The stripped start of a regular file; empty where there is none."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace").strip()
    except OSError:
        return ""
