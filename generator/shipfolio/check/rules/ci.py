"""Does a bad change stop before it is merged?"""

from __future__ import annotations

import re

from shipfolio.check.pipelines import pipelines
from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule

TESTS = re.compile(r"\b(pytest|unittest|tox|nox|npm (?:run )?test|go test|vitest|jest)\b")
GATE = re.compile(r"(?i)\beval\w*\b.*\bgate\b|\bgate\b.*\beval|fail[_-]under|--threshold|promptfoo eval|deepeval test")


class CI101(Rule):
    """Every pull request runs the tests."""

    family = "ci"
    why = "Tests that run only on your laptop stop nothing."
    points = 2

    def check(self, repo: Repo) -> bool:
        """Add a workflow on pull_request that runs the tests, without continue-on-error."""
        gating = [p.name for p in pipelines(repo) if p.on_pull_request and TESTS.search(p.commands)]
        return self.found(gating, "pipeline that stops on a failed test", "pipelines that stop on a failed test")


class CI102(Rule):
    """Every pull request runs the evaluation's gate."""

    family = "ci"
    why = "A prompt change breaks quality without breaking a single test; only the gate sees it."
    points = 3

    def check(self, repo: Repo) -> bool:
        """Run the gate (`app eval gate`, or your evaluation with a threshold) in a workflow on pull_request."""
        gating = [p.name for p in pipelines(repo) if p.on_pull_request and GATE.search(p.commands)]
        return self.found(gating, "pipeline with the gate", "pipelines with the gate")
