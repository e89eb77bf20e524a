"""A cohort, ready to work on: the specification, the template version, and every learner with complete answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from shipfolio import source
from shipfolio.answers import resolve
from shipfolio.cohort import roster, specification
from shipfolio.cohort.learner import Learner
from shipfolio.cohort.roster import Problem, RosterError, Row
from shipfolio.cohort.specification import Specification
from shipfolio.errors import ShipfolioError, UsageError
from shipfolio.hints import did_you_mean
from shipfolio.questions import Questionnaire, load
from shipfolio.source import History, Snapshot, Source
from shipfolio.versions import named


@dataclass(frozen=True)
class Cohort:
    """Everything that the commands work on. `version` is the one that new repositories get."""

    specification: Specification
    source: Source
    history: History
    version: str
    learners: list[Learner]
    folder: Path

    @property
    def snapshot(self) -> Snapshot:
        """The files of that version, unpacked when they are asked for."""
        return self.history.snapshot(self.version)

    def only(self, ids: list[str]) -> list[Learner]:
        """The learners with these ids; all without any. Raises UsageError for an unknown one."""
        known = {learner.id: learner for learner in self.learners}
        wrong = [name for name in ids if name not in known]
        if wrong:
            listed = ", ".join(f"{name!r}{did_you_mean(name, list(known))}" for name in wrong)
            raise UsageError(f"not in the roster: {listed}", "name ids as the roster has them")
        return [known[name] for name in dict.fromkeys(ids)] if ids else self.learners


@contextmanager
def opened(path: Path, template_url: str = source.TEMPLATE_URL) -> Iterator[Cohort]:
    """The cohort in a cohort.yml. Raises UsageError that names every problem of the file and its roster."""
    stated = specification.load(path)
    origin = source.find(template_url)
    with origin.history() as history:
        version = _version(history, stated.version)
        questionnaire = load(history.questions_root(version))
        wrong = specification.problems(stated, questionnaire)
        if wrong:
            raise UsageError(f"{str(path)!r} cannot be used: {'; '.join(wrong)}", specification.SAMPLE)
        base = path.parent.resolve()
        learners = _learners(base, stated, questionnaire)
        origin = replace(origin, ref=version)
        yield Cohort(stated, origin, history, version, learners, (base / stated.destination).parent)


def _version(history: History, version: str) -> str:
    wanted = named(version) if version else history.newest
    if history.commit(wanted) is None:
        raise UsageError(f"there is no template version {version!r} here", "leave `version:` out, or upgrade shipfolio")
    return wanted


def _learners(base: Path, stated: Specification, questionnaire: Questionnaire) -> list[Learner]:
    path = base / stated.roster
    rows, problems = roster.read(path, stated.columns)
    learners: list[Learner] = []
    for row in rows:
        try:
            answers = _answers(row, stated, questionnaire)
        except ShipfolioError as error:
            problems.append(Problem(row.number, f"{error.message} ({error.remedy})"))
        else:
            where = base / stated.destination.replace("{id}", row.id)
            learners.append(Learner(row.id, row.name, where, answers))
    if problems:
        raise RosterError(path.name, problems)
    return learners


def _answers(row: Row, stated: Specification, questionnaire: Questionnaire) -> dict[str, str]:
    """Every answer of one learner: locked, chosen, or default. Raises UsageError."""
    for name, value in row.answers.items():
        if name in stated.choices and value not in stated.choices[name]:
            allowed = ", ".join(stated.choices[name])
            raise UsageError(f"{name} {value!r} is not allowed in this cohort", f"choose one of {allowed}")
    chosen = {name: _default(questionnaire, name, values) for name, values in stated.choices.items()}
    given = {**chosen, **row.answers, **stated.answers, "template": stated.template}
    return resolve(questionnaire, given, suggested={"project_name": row.id, "author": row.name})


def _default(questionnaire: Questionnaire, name: str, allowed: list[str]) -> str:
    """What an empty cell means: the template's default where it is allowed, else the first allowed value."""
    default = questionnaire.questions[name].default
    return default if default in allowed else allowed[0]
