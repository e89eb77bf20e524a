"""`shipfolio cohort create`: every learner's repository, in parallel, each whole or not there."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from shipfolio import git, plan, repository
from shipfolio.cohort import gitwork, lockfile
from shipfolio.cohort.learner import Learner
from shipfolio.cohort.outcome import Outcome
from shipfolio.create import SET_AUTHOR
from shipfolio.errors import ShipfolioError, UsageError
from shipfolio.project import ANSWERS_FILE
from shipfolio.source import Snapshot, Source
from shipfolio.staging import PREFIX, checked_destination, disk_error

if TYPE_CHECKING:  # pydantic, which workers do without
    from shipfolio.cohort.cohort import Cohort

Choice = tuple[tuple[str, str], ...]
FREE_TEXT = ("project_name", "description", "author")
FILE_MODE = 0o644
PROTOTYPES: dict[tuple[Path, Choice], Path] = {}


@dataclass(frozen=True)
class Options:
    """What the command asks for beside the cohort."""

    with_git: bool = True
    with_lock: bool = True
    push: bool = False


@dataclass(frozen=True)
class Job:
    """What a worker needs to know. All is built in `holder`, a folder beside the destinations."""

    source: Source
    snapshot: Snapshot
    holder: Path
    options: Options
    remote: str = ""
    locks: Mapping[Choice, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@contextmanager
def prepared(cohort: Cohort, learners: list[Learner], options: Options) -> Iterator[Job]:
    """The job for these learners; `notes` say what it goes without. Raises ShipfolioError with nothing written.

    What is half made when the block ends, is removed; after a kill, the next run removes it.
    """
    _require_author(cohort, options)
    with _holder(cohort.folder) as holder:
        root = holder / "templates"
        shutil.copytree(cohort.snapshot.root, root)  # where the workers of a cluster see it, too
        snapshot = Snapshot(root, cohort.version, cohort.snapshot.commit)
        locks: dict[Choice, Path] = {}
        job = Job(cohort.source, snapshot, holder, options, cohort.specification.remote, locks)
        if options.with_lock:
            _lock(job, [learner for learner in learners if not _is_made(learner)], locks)
        yield job


def make_all(job: Job, learners: list[Learner]) -> list[Outcome]:
    """The work of one batch."""
    return [_make(job, learner) for learner in learners]


def _make(job: Job, learner: Learner) -> Outcome:
    try:
        present = _is_made(learner)
        if not present:
            checked_destination(learner.path)
            _build(job, learner)
        if job.options.push:
            gitwork.push(learner.path, job.remote.replace("{id}", learner.id))
    except OSError as error:
        return Outcome.failed(learner.id, disk_error(error))
    except ShipfolioError as error:
        return Outcome.failed(learner.id, error)
    return Outcome(learner.id, "present" if present else "created")


def _build(job: Job, learner: Learner) -> None:
    """Make the project in the holder, and move it to its place in one step."""
    folder = job.holder / "projects" / learner.id
    try:
        files = dict(_files(job, learner.answers))
        lock = job.locks.get(_choice(learner.answers))
        if lock:
            files["uv.lock"] = lockfile.renamed(_text(lock), files["pyproject.toml"])
        _write(folder, files)
        if job.options.with_git:
            gitwork.commit_first(
                folder, _prototype(job, learner.answers), learner.answers["template"], job.snapshot.version
            )
        learner.path.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(learner.path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _files(job: Job, answers: Mapping[str, str]) -> Mapping[str, bytes]:
    """What Copier writes for these answers, planned; by Copier itself for a template that `plan` cannot read."""
    snapshot = _shared(job.snapshot.root, job.snapshot.version, job.snapshot.commit)
    try:
        return plan.plan(snapshot, answers, job.source.url).files
    except plan.NotPlannable:
        from shipfolio import engine

        return engine.planned(job.source, snapshot, answers).files


@lru_cache(maxsize=2)
def _shared(root: Path, version: str, commit: str) -> Snapshot:
    """One snapshot per process, so that what is compiled of it serves every learner."""
    return Snapshot(root, version, commit)


@lru_cache(maxsize=8)
def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for parent in sorted({os.path.dirname(name) for name in files}):  # noqa: PTH120 - three times as fast
        os.makedirs(f"{folder}/{parent}", exist_ok=True)  # noqa: PTH103
    for name, content in files.items():
        handle = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with open(handle, "wb", buffering=0) as file:  # noqa: PTH123
            file.write(content)
            if stat.S_IMODE(os.fstat(handle).st_mode) != FILE_MODE:  # whatever the umask says
                os.chmod(f"{folder}/{name}", FILE_MODE)  # noqa: PTH101


def _prototype(job: Job, answers: Mapping[str, str]) -> Path:
    known = PROTOTYPES.get((job.holder, _choice(answers)))
    if known is None:
        other = _files(job, {**answers, **dict.fromkeys(FREE_TEXT, "prototype")})
        same = {name: content for name, content in _files(job, answers).items() if other.get(name) == content}
        known = gitwork.prototype(Path(tempfile.mkdtemp(prefix="prototype-", dir=job.holder)), same)
        PROTOTYPES[job.holder, _choice(answers)] = known
    return known


def _lock(job: Job, learners: list[Learner], locks: dict[Choice, Path]) -> None:
    """Fill `locks` with one lock file per choice; a note where there can be none."""
    for learner in {_choice(learner.answers): learner for learner in learners}.values():
        files = _files(job, learner.answers)
        folder = job.holder / f"lock-{len(locks)}"
        text, note = lockfile.made(folder, files)
        if note:
            job.notes.append(note)
            return
        if text:
            locks[_choice(learner.answers)] = folder / "uv.lock"


def _choice(answers: Mapping[str, str]) -> Choice:
    """What learners have in common: every answer that is no free text."""
    return tuple(sorted((key, value) for key, value in answers.items() if key not in FREE_TEXT))


def _is_made(learner: Learner) -> bool:
    """Whether the repository is there. It is moved to its place whole, so its answers file tells."""
    return not learner.path.is_symlink() and (learner.path / ANSWERS_FILE).is_file()


def _require_author(cohort: Cohort, options: Options) -> None:
    if options.push and not cohort.specification.remote:
        raise UsageError("--push needs a `remote:` in the cohort's file", "add one with {id} in it")
    if options.push and not options.with_git:
        raise UsageError("--push and --no-git exclude each other", "leave one out")
    if options.with_git:
        git.require()
        if not repository.has_author(cohort.snapshot.root):
            raise ShipfolioError("git knows no author for the first commits", SET_AUTHOR)


@contextmanager
def _holder(parent: Path) -> Iterator[Path]:
    prefix = f"{PREFIX}{socket.gethostname()}-"
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent, prefix)
        holder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))
    except OSError as error:
        raise disk_error(error) from error
    (holder / "projects").mkdir()
    try:
        yield holder
    finally:
        shutil.rmtree(holder, ignore_errors=True)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove what runs on this machine left that were killed."""
    for folder in parent.glob(f"{prefix}*-*"):
        number = folder.name.removeprefix(prefix).partition("-")[0]
        if number.isdigit() and not folder.is_symlink() and not _is_running(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where signal 0 is Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
