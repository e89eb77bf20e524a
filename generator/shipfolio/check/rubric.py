"""Pass mark and weights: what of the rubric counts how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shipfolio.check import rules
from shipfolio.check.rule import Rule
from shipfolio.errors import UsageError
from shipfolio.hints import did_you_mean

PASS_MARK = 70.0
LISTS = "docs/rubric.md lists the rules"


@dataclass(frozen=True)
class Rubric:
    """What counts how much. A weight replaces the points of a rule, or of each rule of a prefix; 0 leaves it out."""

    pass_mark: float = PASS_MARK
    weights: Mapping[str, float] = field(default_factory=dict)

    def points(self, name: str, rule: Rule) -> float:
        """What a rule is worth."""
        prefix = name.rstrip("0123456789")
        return float(self.weights.get(name, self.weights.get(prefix, rule.points)))


def known(names: Iterable[str], where: str) -> frozenset[str]:
    """The names, where each is a rule or a prefix. Raises UsageError that names every other."""
    ids = list(rules.fresh(run=True))
    choices = [*ids, *dict.fromkeys(name.rstrip("0123456789") for name in ids)]
    wrong = [name for name in names if name not in choices]
    if wrong:
        listed = ", ".join(f"{name!r}{did_you_mean(name, choices)}" for name in wrong)
        raise UsageError(f"{where} name no rule: {listed}", LISTS)
    return frozenset(names)
