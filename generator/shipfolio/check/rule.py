"""What a rule is, and the families that rules belong to."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import ClassVar

from shipfolio.check.repo import Repo

FAMILIES = {
    "structure": "Structure",
    "tests": "Tests",
    "evaluation": "Evaluation",
    "evidence": "Evidence of your own",
    "reliability": "Reliability",
    "security": "Security",
    "infrastructure": "Infrastructure",
    "ci": "Continuous integration",
    "run": "The checks, run",
}
SHOWN = 5


class Rule:
    """One requirement, in the form that repo-review reads: the class's name is the id, its docstring the
    requirement, the docstring of `check` says how to mend it. `check` leaves what it found in `evidence`."""

    family: ClassVar[str]
    why: ClassVar[str]
    points: ClassVar[int]
    requires: ClassVar[AbstractSet[str]] = frozenset()

    def __init__(self) -> None:
        self.evidence: list[str] = []

    def check(self, repo: Repo) -> bool:
        """Say how to mend it here."""
        raise NotImplementedError

    def found(self, items: list[str], one: str, many: str = "") -> bool:
        """Record how many of something there are, with a few examples; whether there is any."""
        more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
        noun = one if len(items) == 1 else many or one + "s"
        examples = f": {', '.join(items[:SHOWN])}{more}" if items else ""
        self.evidence.append(f"{len(items) or 'no'} {noun}{examples}")
        return bool(items)
