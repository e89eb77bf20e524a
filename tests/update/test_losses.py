"""No line that a learner added is ever gone in silence: random work on random versions, then an update."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipfolio import engine, project
from shipfolio.source import Source
from tests.conftest import commit_all, files_of
from tests.update.conftest import content
from tests.update.small import VERSIONS

MINE = "learner"
NEW_NAMES = (
    "mine.txt",
    "app/mine.py",
    "ADDED.md",
    "app/new_name.py",
    "REGION.md",
    "a b/größe.txt",
    "docs/x",
    "docs",
    "x.rej",
)
RELEASED = VERSIONS[:4]


@dataclass
class Learner:
    """Works in a project; every line that it writes is unlike any other."""

    project: Path
    written: int = 0
    log: list[str] = field(default_factory=list)

    def line(self) -> bytes:
        self.written += 1
        return b"%s %d" % (MINE.encode(), self.written)

    def act(self, action: str, which: int, where: int, name: str) -> None:
        names = [name for name in files_of(self.project) if name != ".copier-answers.yml"]
        path = self.project / names[which % len(names)]
        target = self.project / name
        self.log.append(f"{action} {path.name} {where} {name}")
        if action in ("insert", "replace", "cut", "windows", "unended"):
            path.write_bytes(self.changed(action, path.read_bytes(), where))
        elif action == "delete":
            path.unlink()
        elif action == "binary":
            path.write_bytes(b"\0" + self.line())
        elif self.free(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            if action == "rename":
                path.rename(target)
            else:
                target.write_bytes(b"".join(self.line() + b"\n" for _ in range(1 + where % 3)))

    def free(self, target: Path) -> bool:
        return not target.exists() and all(parent.is_dir() or not parent.exists() for parent in target.parents)

    def changed(self, action: str, before: bytes, where: int) -> bytes:
        lines = before.splitlines(keepends=True)
        spot = where % (len(lines) + 1)
        if action == "unended":
            return before + self.line()
        if action == "windows":
            return before.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if action == "insert":
            return b"".join([*lines[:spot], self.line() + b"\n", *lines[spot:]])
        new = [self.line() + b"\n"] if action == "replace" else []
        return b"".join([*lines[:spot], *new, *lines[spot + 1 + where % 3 :]])


ACTIONS = st.tuples(
    st.sampled_from(
        ["insert", "insert", "replace", "replace", "cut", "windows", "unended", "delete", "binary", "rename", "add"]
    ),
    st.integers(0, 30),
    st.integers(0, 60),
    st.sampled_from(NEW_NAMES),
)
PAIRS = st.sampled_from([(old, new) for number, old in enumerate(RELEASED) for new in RELEASED[number + 1 :]])


def learner_lines(project: Path) -> set[bytes]:
    """Every piece of the learner's writing that the files hold."""
    found = set()
    for data in content(project).values():
        found |= {part.strip(b"\0\r") for part in data.splitlines() if MINE.encode() in part}
    return {b"learner" + line.partition(b"learner")[2] for line in found}


def check(fresh, update, work: list, pair: tuple[str, str]) -> None:
    old, new = pair
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo"
        shutil.copytree(fresh(old), path, symlinks=True)
        learner = Learner(path)
        for action in work:
            learner.act(*action)
        (path / ".mine").write_text("mine\n")
        commit_all(path, "mine")
        before, own = learner_lines(path), content(path)
        outcome = update(path, newest=new)
        gone = before - learner_lines(path)
        told = {line.encode() for lines in outcome.lost.values() for line in lines}
        assert gone <= told, f"lost in silence: {gone} after {learner.log}"
        for name in set(own) & set(content(path)):
            untouched = own[name] == content(path)[name]
            listed = {*outcome.changed, *outcome.merged, *(conflict.path for conflict in outcome.conflicts)}
            assert untouched or name in listed, f"{name} changed and is in no list after {learner.log}"


PATIENT = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=8, derandomize=True, **PATIENT)
@given(work=st.lists(ACTIONS, min_size=1, max_size=8), pair=PAIRS)
def test_no_line_is_lost_in_silence(fresh, update, work, pair) -> None:
    check(fresh, update, work, pair)


@pytest.mark.slow
@settings(max_examples=60, **PATIENT)
@given(work=st.lists(ACTIONS, min_size=1, max_size=12), pair=PAIRS)
def test_no_line_is_lost_in_silence_in_many_projects(fresh, update, work, pair) -> None:
    check(fresh, update, work, pair)


def test_the_check_bites(fresh, releases: Path) -> None:
    """Copier alone, without what we put back, loses an edit in silence, and the check finds it."""

    def copier_alone(path: Path, newest: str) -> SimpleNamespace:
        source, found = Source(location=releases, ref=newest), project.read(path)
        with source.history() as history:
            engine.update(source, history.snapshot(found.version), history.snapshot(newest), found.answers, path)
        return SimpleNamespace(lost={})

    work = [("insert", files_of(fresh()).index("app/dropped.py") - 1, 3, "mine.txt")]
    with pytest.raises(AssertionError, match="lost in silence"):
        check(fresh, copier_alone, work, ("v1.0.0", "v2.0.0"))
