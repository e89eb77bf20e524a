"""Scores one repository with repo-review."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from repo_review.families import Family
from repo_review.processor import CollectionReturn, Result, process

from shipfolio.check import rules
from shipfolio.check.history import opened
from shipfolio.check.repo import Repo
from shipfolio.check.rubric import Rubric
from shipfolio.check.rule import FAMILIES, Rule
from shipfolio.errors import UsageError

# Control characters, signs that turn the direction of text, and bytes of file names that are no UTF-8.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Finding:
    """One rule on one repository. `state` is pass, fail, or wait where another rule must pass first."""

    id: str
    family: str
    rule: str
    why: str
    fix: str
    points: float
    state: str
    evidence: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Score:
    """The rubric on one repository, in percent of the points there are."""

    path: str
    percent: float
    passed: bool
    pass_mark: float
    findings: list[Finding]
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The JSON document of one repository."""
        return {"path": self.path, "percent": self.percent, "passed": self.passed, "pass_mark": self.pass_mark} | {
            "rules": [asdict(finding) for finding in self.findings],
            "notes": self.notes,
        }


@dataclass(frozen=True)
class Selection:
    """Which rules count: ids or prefixes; an empty `select` means all. `run` adds those that run its code."""

    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    run: bool = False


def score(path: Path, rubric: Rubric, selection: Selection | None = None) -> Score:
    """The rubric on the repository at `path`. Raises UsageError where there is no folder."""
    if not path.is_dir():
        raise UsageError(f"{str(path)!r} is no folder", "name a repository")
    with opened(path.resolve()) as history:
        return score_repo(Repo(path, history), str(path), rubric, selection or Selection())


def score_repo(repo: Repo, name: str, rubric: Rubric, selection: Selection) -> Score:
    """The rubric on a repository that is already open."""
    checks = rules.fresh(selection.run)
    findings = [_finding(result, checks[result.name], rubric) for result in _process(repo, checks, selection)]
    counted = [finding for finding in findings if finding.points]
    total = sum(finding.points for finding in counted)
    earned = sum(finding.points for finding in counted if finding.state == "pass")
    percent = round(100 * earned / total, 1) if total else 0.0
    return Score(name, percent, percent >= rubric.pass_mark, rubric.pass_mark, counted, repo.notes)


def _process(repo: Repo, checks: dict[str, Rule], selection: Selection) -> list[Result]:
    """repo-review on our rules alone: neither other plugins nor the repository's own settings take part."""
    fixtures = {"repo": repo, "pyproject": {}}
    families = {key: Family(name=name, order=n) for n, (key, name) in enumerate(FAMILIES.items())}
    tasks: Any = checks  # repo-review's protocol describes `check` without the fixtures that it hands out
    collected = CollectionReturn(fixtures, tasks, families)
    return process(repo.root, select=selection.select, ignore=selection.ignore, collected=collected).results


def _finding(result: Result, rule: Rule, rubric: Rubric) -> Finding:
    state = {True: "pass", False: "fail", None: "wait"}[result.result]
    fix = "" if state == "pass" else _one_line(result.err_msg)
    evidence = list(rule.evidence) if state != "wait" else [f"needs {' and '.join(sorted(rule.requires))} first"]
    if state == "wait":
        fix = _one_line(type(rule).check.__doc__ or "")
    return Finding(
        id=result.name,
        family=result.family,
        rule=_one_line(result.description),
        why=rule.why,
        fix=fix,
        points=rubric.points(result.name, rule),
        state=state,
        evidence=[UNPRINTABLE.sub("?", line)[:300] for line in evidence],
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
