"""What `check` prints."""

from __future__ import annotations

from pathlib import Path

from shipfolio.check.rule import FAMILIES
from shipfolio.check.scoring import Finding, Score
from shipfolio.console import Console

WORDS = {"pass": "ok  ", "fail": "FAIL", "wait": "wait"}
STYLES = {"pass": "green", "fail": "red", "wait": "yellow"}


def checked(console: Console, scores: list[Score]) -> None:
    """One block per repository: the score, then each family with its rules; what fails says how to mend it."""
    passed = sum(score.passed for score in scores)
    console.document({"repositories": [score.document() for score in scores], "passed": passed, "of": len(scores)})
    for score in scores:
        _one(console, score)
    if len(scores) > 1:
        console.result(f"{passed} of {len(scores)} repositories reach their pass mark", "bold")


def write_page(path: Path, scores: list[Score]) -> None:
    """The same as one HTML page."""
    from shipfolio import page

    values = {"title": "Portfolio check", "scores": scores, "families": FAMILIES}
    page.write(path, page.rendered("check.html", values))


def _one(console: Console, score: Score) -> None:
    verdict = "passed" if score.passed else "not passed"
    style = "bold green" if score.passed else "bold red"
    console.result(f"{score.path}: {score.percent:g} of 100, pass mark {score.pass_mark:g}: {verdict}", style)
    for family, name in FAMILIES.items():
        findings = [finding for finding in score.findings if finding.family == family]
        if findings:
            earned = sum(finding.points for finding in findings if finding.state == "pass")
            total = sum(finding.points for finding in findings)
            console.result(f"  {name} ({earned:g} of {total:g} points)", "bold")
        for finding in findings:
            _finding(console, finding)
    for note in score.notes:
        console.note(f"{score.path}: {note}")


def _finding(console: Console, finding: Finding) -> None:
    console.result(
        f"    {WORDS[finding.state]} {finding.id} {finding.rule} ({finding.points:g})", STYLES[finding.state]
    )
    console.result(f"         found: {'; '.join(finding.evidence)}")
    if finding.state != "pass":
        console.result(f"         why:   {finding.why}")
        console.result(f"         fix:   {finding.fix}")
