"""`shipfolio cohort update`: the newer template for every repository, each on a branch, each with its own outcome."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shipfolio import git, update
from shipfolio.check.history import unreadable
from shipfolio.cohort.cohort import Cohort
from shipfolio.cohort.gitwork import PUSH_ENVIRONMENT
from shipfolio.cohort.learner import Learner
from shipfolio.cohort.outcome import Outcome
from shipfolio.cohort.survey import history_at
from shipfolio.errors import ShipfolioError, UsageError
from shipfolio.project import ANSWERS_FILE
from shipfolio.source import Source
from shipfolio.staging import disk_error

BRANCH_PREFIX = "shipfolio-update-"
HARMLESS = re.compile(
    r"core\.(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|autocrlf|eol)"
    r"|remote\..*\.(url|fetch|prune)|branch\..*\.(remote|merge|rebase)|user\.(name|email)|(push|pull|gc|color|advice)\..*"
)
NO_PROGRAMS = {"core.hooksPath": os.devnull, "core.fsmonitor": "false"}


@dataclass(frozen=True)
class Job:
    """What a worker needs to know."""

    source: Source
    repository: Path
    folder: Path
    version: str
    remote: str
    push: bool
    preview: bool


@contextmanager
def prepared(cohort: Cohort, push: bool, preview: bool) -> Iterator[Job]:
    """The job; the templates that it unpacks are gone when the block ends. Raises UsageError."""
    remote = cohort.specification.remote
    if push and not remote:
        raise UsageError("--push needs a `remote:` in the cohort's file", "add one with {id} in it")
    with tempfile.TemporaryDirectory(prefix="shipfolio-cohort-") as folder:
        repository, version = cohort.history.repository, cohort.version
        yield Job(cohort.source, repository, Path(folder), version, remote, push, preview)


def update_all(job: Job, learners: list[Learner]) -> list[Outcome]:
    """The work of one batch."""
    with _without_programs():
        return [_update(job, learner) for learner in learners]


def _update(job: Job, learner: Learner) -> Outcome:
    try:
        _require_harmless(learner.path)
        history = history_at(job.repository, job.folder, job.version)
        done = update.update_project(learner.path, job.source, to=job.version, preview=job.preview, history=history)
        outcome = _described(learner, done)
        if job.push and not job.preview:
            _push(job, learner, outcome.state)
    except OSError as error:
        return Outcome.failed(learner.id, disk_error(error), "refused")
    except ShipfolioError as error:
        return Outcome.failed(learner.id, error, "refused")
    return outcome


def _described(learner: Learner, done: update.UpdateOutcome) -> Outcome:
    details = {"from": done.from_version, "to": done.to_version, "branch": done.branch or "", "undo": done.undo or ""}
    if done.nothing_to_do:
        return Outcome(learner.id, "current", details=details)
    if not done.needs_person:
        return Outcome(learner.id, "clean", details=details)
    parts = {
        "conflicts in": [c.path for c in done.conflicts],
        "kept although the template dropped": [k.path for k in done.kept],
    }
    parts["lines that found no place in"] = list(done.lost)
    message = "; ".join(f"{what} {', '.join(paths)}" for what, paths in parts.items() if paths)
    return Outcome(
        learner.id, "conflict", message, f"resolve and commit on branch {done.branch or 'of the update'}", details
    )


def _push(job: Job, learner: Learner, state: str) -> None:
    """Send the update's branch to the cohort's remote, never forced; conflicts stay here."""
    branch = git.text("symbolic-ref", "--short", "HEAD", cwd=learner.path)
    if state in ("clean", "current") and branch.startswith(BRANCH_PREFIX):
        url = job.remote.replace("{id}", learner.id)
        git.run("push", "--quiet", "--", url, f"HEAD:refs/heads/{branch}", cwd=learner.path, env=PUSH_ENVIRONMENT)


def _require_harmless(path: Path) -> None:
    """Raise where the repository is none, or its own git settings could run a program or reach another folder."""
    if path.is_symlink() or not path.is_dir():
        raise UsageError("there is no repository", "run `shipfolio cohort create` first")
    if (path / ANSWERS_FILE).is_symlink():
        raise UsageError(f"{ANSWERS_FILE} is a symbolic link", "put the file itself there")
    problem = unreadable(path)
    if problem:
        raise UsageError(problem, "clone it anew")
    names = git.names(
        "config", "--file", str(path / ".git/config"), "--no-includes", "--name-only", "-z", "--list", cwd=path
    )
    strange = sorted({name for name in names if not HARMLESS.fullmatch(name)})
    if strange:
        raise UsageError(
            f".git/config sets {', '.join(strange)}, which may run programs", "clone it anew, or remove these"
        )


@contextmanager
def _without_programs() -> Iterator[None]:
    """Every git of this process runs without the hooks and the fsmonitor of the repositories."""
    before = {name: value for name, value in os.environ.items() if name.startswith("GIT_CONFIG_")}
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    for number, (key, value) in enumerate(NO_PROGRAMS.items(), start=first):
        os.environ[f"GIT_CONFIG_KEY_{number}"] = key
        os.environ[f"GIT_CONFIG_VALUE_{number}"] = value
    os.environ["GIT_CONFIG_COUNT"] = str(first + len(NO_PROGRAMS))
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("GIT_CONFIG_")]:
            del os.environ[name]
        os.environ.update(before)
