"""Looks at every repository of a cohort: version, drift, answers, commits, rubric, gate. Runs and changes nothing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipfolio import plan
from shipfolio.check.history import opened
from shipfolio.check.repo import Repo
from shipfolio.check.rubric import Rubric
from shipfolio.check.scoring import Finding, Selection, score_repo
from shipfolio.check.template_text import TemplateText, read_files
from shipfolio.cohort.learner import Learner
from shipfolio.errors import ShipfolioError
from shipfolio.project import ANSWERS_FILE
from shipfolio.source import History, Source
from shipfolio.versions import is_newer

if TYPE_CHECKING:  # with pydantic, which workers do without
    from shipfolio.cohort.cohort import Cohort

HISTORY_FILE = "evals/history.jsonl"
VERDICTS = ("pass", "block", "cannot decide")


@dataclass(frozen=True)
class Standing:
    """Where one learner stands. `problem` is set where the repository could not be looked at, or only in part."""

    id: str
    name: str
    path: str
    version: str = ""
    newest: str = ""
    behind: bool = False
    changed: int = 0
    deleted: int = 0
    unlocked: list[str] = field(default_factory=list)
    last_commit: int = 0
    late: bool = False
    dirty: bool = False
    percent: float = 0.0
    passed: bool = False
    gate: str = ""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def rules_passed(self) -> int:
        """How many rules of the rubric pass."""
        return sum(finding.state == "pass" for finding in self.findings)

    @property
    def needs_person(self) -> bool:
        """Whether an instructor should look."""
        return bool(self.problem or self.unlocked or self.behind or not self.passed)

    def document(self) -> dict[str, Any]:
        """The JSON document of one learner."""
        return {**asdict(self), "rules_passed": self.rules_passed, "rules": len(self.findings)}


@dataclass(frozen=True)
class Expected:
    """What the cohort expects of every repository."""

    locked: dict[str, str]
    choices: dict[str, list[str]]
    rubric: Rubric
    deadline: float | None


@dataclass(frozen=True)
class Survey:
    """What a worker needs to know. Each unpacks template versions into a folder of its own inside `folder`."""

    expected: Expected
    source: Source
    repository: Path
    folder: Path
    version: str


@contextmanager
def prepared(cohort: Cohort) -> Iterator[Survey]:
    """The survey of a cohort; the templates that it unpacks are gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="shipfolio-survey-") as folder:
        where, repository = Path(folder), cohort.history.repository
        stated = cohort.specification
        locked = {**stated.answers, "template": stated.template}
        expected = Expected(locked, stated.choices, stated.rubric.rubric, stated.rubric.last_second)
        yield Survey(expected, cohort.source, repository, where, cohort.version)


def look_at_all(survey: Survey, learners: list[Learner]) -> list[Standing]:
    """The work of one batch."""
    return [_guarded(survey, learner) for learner in learners]


def _guarded(survey: Survey, learner: Learner) -> Standing:
    """Whatever a stranger's repository does to us, the others are looked at."""
    try:
        return _look_at(survey, learner)
    except Exception as error:
        return lost(learner, f"it cannot be looked at: {type(error).__name__} {error}"[:300])


def lost(learner: Learner, why: str) -> Standing:
    """What is said of a learner whose batch was lost."""
    return Standing(learner.id, learner.name, str(learner.path), problem=why)


def _look_at(survey: Survey, learner: Learner) -> Standing:
    if learner.path.is_symlink() or not learner.path.is_dir():
        return lost(learner, "there is no repository")
    with opened(learner.path.resolve()) as history:
        newest = _text(survey, survey.version)
        repo = Repo(learner.path, history, newest)
        version = str(repo.answers.get("_commit", ""))
        if version != survey.version and _known(survey, version):
            repo = Repo(learner.path, history, _both(survey, version))
        score = score_repo(repo, learner.id, survey.expected.rubric, Selection())
        _, when = history.last_commit()
        problem, changed, deleted = _drift(survey, repo, version)
        deadline = survey.expected.deadline
        return Standing(
            id=learner.id,
            name=learner.name,
            path=str(learner.path),
            version=version if _known(survey, version) else "",
            newest=survey.version,
            behind=is_newer(survey.version, version),
            changed=changed,
            deleted=deleted,
            unlocked=_unlocked(survey.expected, repo.answers),
            last_commit=when,
            late=deadline is not None and when > deadline,
            dirty=repo.dirty,
            percent=score.percent,
            passed=score.passed,
            gate=_gate(repo),
            findings=score.findings,
            notes=score.notes,
            problem=problem,
        )


def _drift(survey: Survey, repo: Repo, version: str) -> tuple[str, int, int]:
    """What keeps us from telling, then how many of the template's files were changed, and how many deleted."""
    answers = {key: value for key, value in repo.answers.items() if isinstance(value, str) and not key.startswith("_")}
    if not repo.answers:
        return f"it has no readable {ANSWERS_FILE}", 0, 0
    template = survey.expected.locked["template"]
    if answers.get("template") != template:
        return f"it is no {template} project", 0, 0
    if not _known(survey, version):
        return "it is of a template version that is not known here", 0, 0
    try:
        planned = plan.plan(_history(survey).archive(version), answers, survey.source.url)
    except plan.NotPlannable:
        return "its answers do not fit its template version", 0, 0
    states = [repo.holds(name, content) for name, content in planned.files.items() if name not in planned.owned]
    return "", states.count(False), states.count(None)


def _unlocked(expected: Expected, answers: dict[str, Any]) -> list[str]:
    """The answers that differ from what the cohort allows."""
    wrong = [name for name, value in expected.locked.items() if answers.get(name) != value]
    wrong += [name for name, allowed in expected.choices.items() if answers.get(name) not in allowed]
    return sorted(wrong) if answers else []


def _gate(repo: Repo) -> str:
    """What the gate said of the last evaluation in the committed history; empty where it said nothing."""
    *_, last = ["", *repo.text(HISTORY_FILE).splitlines()]
    try:
        run = json.loads(last)
    except (ValueError, RecursionError):
        return ""
    verdict = run.get("verdict") if isinstance(run, dict) else None
    return verdict if verdict in VERDICTS else ""


def _both(survey: Survey, version: str) -> TemplateText:
    """What the newest template version wrote, and an older one."""
    known = _history(survey).archive(version)
    if "both" not in known.compiled:
        known.compiled["both"] = _text(survey, survey.version).plus(_text(survey, version))
    return known.compiled["both"]


def _known(survey: Survey, version: str) -> bool:
    try:
        return bool(_history(survey).archive(version))
    except ShipfolioError:
        return False


@lru_cache(maxsize=2)
def history_at(repository: Path, folder: Path, ref: str) -> History:
    """A template history of this process, which unpacks what it needs inside `folder`."""
    return History(repository=repository, folder=Path(tempfile.mkdtemp(dir=folder)), ref=ref)


def _history(survey: Survey) -> History:
    return history_at(survey.repository, survey.folder, survey.version)


def _text(survey: Survey, version: str) -> TemplateText:
    """What a template version wrote, read once per process."""
    known = _history(survey).archive(version)
    return known.compiled.get("text") or known.compiled.setdefault("text", read_files(known.files))
