"""`shipfolio update` as a list of small steps: read, check, merge in a copy, put the result on a branch of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from shipfolio import checkout, journal, lock, merge, project, upgrading
from shipfolio.answers import checked, resolve
from shipfolio.checkout import Checkout
from shipfolio.drift import rendered
from shipfolio.errors import UsageError
from shipfolio.merge import Conflict, Kept, Merged
from shipfolio.plan import Planned
from shipfolio.project import Project
from shipfolio.questions import Questionnaire, load
from shipfolio.source import History, Snapshot, Source
from shipfolio.staging import disk_error, termination_as_interrupt
from shipfolio.versions import is_newer, named

LOCK_NOTE = "pyproject.toml changed: run `uv lock` and commit uv.lock"
UNCOMMITTED = "the checkout has uncommitted template changes; they are not in this update"
MESSAGE = "Update from shipfolio {template} {old} to {new}"


@dataclass
class UpdateOutcome:
    """What an update did, or would do (`preview`).

    A path that differs stands in exactly one of `added`, `changed`, `merged`, `removed`, `conflicts`, `kept`. `lost`
    are lines that could be kept nowhere; `left` are files given to the learner of which the template has newer ones.
    """

    path: Path
    template: str
    from_version: str
    to_version: str
    preview: bool
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    lost: dict[str, list[str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    new_answers: dict[str, str] = field(default_factory=dict)
    steps: list[upgrading.Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    branch: str | None = None
    commit: str | None = None
    look: str | None = None
    keep: str | None = None
    undo: str | None = None
    nothing_to_do: bool = False

    @property
    def needs_person(self) -> bool:
        """Whether something is left that only the learner can decide (exit code 3)."""
        return bool(self.conflicts or self.kept or self.lost)

    def document(self) -> dict[str, Any]:
        """The JSON document of the command."""
        return {
            **asdict(self),
            "path": str(self.path),
            "steps": [step.document() for step in self.steps],
            "needs_person": self.needs_person,
        }


@dataclass(frozen=True)
class Job:
    """One update, checked: from which version to which, with which answers."""

    project: Project
    old: Snapshot
    new: Snapshot
    answers: dict[str, str]
    added_answers: dict[str, str]
    steps: list[upgrading.Step]

    @property
    def message(self) -> str:
        """The message of its commit."""
        return MESSAGE.format(template=self.project.template, old=self.old.version, new=self.new.version)

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return self.new.commit != self.old.commit or self.answers != self.project.answers


def update_project(
    path: Path,
    source: Source,
    *,
    to: str | None = None,
    data: Mapping[str, str] | None = None,
    preview: bool = False,
    history: History | None = None,
    announce: Callable[[str], None] = lambda _command: None,
) -> UpdateOutcome:
    """Update a project, or say what that would do. Give an open `history` to update many.

    `announce` gets the command that undoes a killed update, before the repository is touched. Raises ShipfolioError
    with the project as it was.
    """
    try:
        with termination_as_interrupt(), _opened(source, history) as versions:
            return _updated(project.read(path), source, versions, to, data or {}, preview, announce)
    except OSError as error:
        raise disk_error(error) from error


def _updated(
    found: Project,
    source: Source,
    history: History,
    to: str | None,
    data: Mapping[str, str],
    preview: bool,
    announce: Callable[[str], None],
) -> UpdateOutcome:
    checkout.ready(found.path)
    job = _job(found, history, to, data)
    outcome = _outcome(job, preview)
    if not job.needed:
        outcome.nothing_to_do = True
        return outcome
    with _alone(found.path, preview):
        place = checkout.ready(found.path)
        base = rendered(found, source, history, job.old.version)
        target = rendered(replace(found, answers=job.answers), source, history, job.new.version)
        outcome.left = sorted(name for name in base.owned & target.owned if base.files[name] != target.files[name])
        with _merged(job, replace(source, url=found.url), place, base) as (clone, merged):
            _fill(outcome, merged)
            if source.uncommitted():
                outcome.notes.append(UNCOMMITTED)
            if not preview:
                _land(outcome, job, place, clone, merged, announce)
    return outcome


@contextmanager
def _opened(source: Source, history: History | None) -> Iterator[History]:
    if history is not None:
        yield history
        return
    with source.history() as opened:
        yield opened


def _alone(path: Path, preview: bool) -> AbstractContextManager[None]:
    """The lock of the repository; a preview only reads and takes none."""
    return nullcontext() if preview else lock.held(journal.folder(journal.git_folder(path)))


def _job(found: Project, history: History, to: str | None, data: Mapping[str, str]) -> Job:
    old, new = history.snapshot(found.version), history.snapshot(_target(found, history, to))
    before, after = load(old.root), load(new.root)
    _refuse_broken_answers(found, before)
    answers = _answers(found, after, data)
    added = {name: value for name, value in answers.items() if name not in found.answers and name not in data}
    steps = upgrading.applicable(history.text(new.version, upgrading.FILE), answers, old.version, new.version)
    return Job(found, old, new, answers, added, steps)


def _target(found: Project, history: History, to: str | None) -> str:
    target = named(to) if to else history.newest
    if history.commit(target) is None:
        raise UsageError(f"there is no template version {target!r}", f"choose one of {', '.join(history.versions)}")
    if is_newer(found.version, target):
        raise UsageError(
            f"the project is of version {found.version}, and {target} is older", "an update only goes forward"
        )
    if not is_newer(target, found.version) and history.commit(target) != history.commit(found.version):
        raise UsageError(
            f"{found.version} and {target} cannot be compared: one of them names no version",
            "name a version with --to, or make the project anew from a released one",
        )
    return target


def _refuse_broken_answers(found: Project, questionnaire: Questionnaire) -> None:
    """The answers must be ones that the version could have stored."""
    try:
        resolve(questionnaire, checked(questionnaire, found.answers))
    except UsageError as error:
        raise UsageError(f"{project.ANSWERS_FILE} was changed by hand: {error.message}", project.RESTORE) from None


def _answers(found: Project, questionnaire: Questionnaire, data: Mapping[str, str]) -> dict[str, str]:
    """The answers for the newer version: the stored ones, what `data` changes, defaults for new questions."""
    if data.get("template", found.template) != found.template:
        raise UsageError(
            "an update cannot change the template", f"make a new project: `shipfolio new {data['template']}`"
        )
    kept = {name: value for name, value in found.answers.items() if name in questionnaire.questions}
    given = checked(questionnaire, data)
    try:
        return resolve(questionnaire, checked(questionnaire, {**kept, **given}))
    except UsageError as error:
        raise UsageError(
            f"the newer version does not take the answers: {error.message}",
            "give another one with --data question=answer",
        ) from None


def _outcome(job: Job, preview: bool) -> UpdateOutcome:
    return UpdateOutcome(
        path=job.project.path,
        template=job.project.template,
        from_version=job.old.version,
        to_version=job.new.version,
        preview=preview,
        new_answers=job.added_answers,
        steps=job.steps,
    )


@contextmanager
def _merged(job: Job, source: Source, place: Checkout, base: Planned) -> Iterator[tuple[Path, Merged]]:
    """A copy of the project in which Copier merged the newer version, and what came of it."""
    from shipfolio import engine  # imports Copier, which takes longer than everything else together

    with merge.copy_of(place.path, place.commit) as clone:
        engine.update(source, job.old, job.new, job.answers, clone)
        yield clone, merge.result(clone, place.path, base.files)


def _fill(outcome: UpdateOutcome, merged: Merged) -> None:
    for name in ("added", "changed", "merged", "removed", "conflicts", "kept", "lost"):
        setattr(outcome, name, getattr(merged, name))
    if "pyproject.toml" in (*merged.changed, *merged.merged) and (outcome.path / "uv.lock").is_file():
        outcome.notes.append(LOCK_NOTE)


def _land(
    outcome: UpdateOutcome,
    job: Job,
    place: Checkout,
    clone: Path,
    merged: Merged,
    announce: Callable[[str], None],
) -> None:
    outcome.branch, outcome.commit = checkout.land(place, clone, merged, job.new.version, job.message, announce)
    here = journal.at(place.path)
    outcome.look = f"git{here} show --stat {outcome.branch}"
    force = " --force" if merged.conflicts else ""
    outcome.undo = f"git{here} checkout{force} {place.branch} && git{here} branch -D {outcome.branch}"
    outcome.keep = f"git{here} checkout {place.branch} && git{here} merge {outcome.branch}"
