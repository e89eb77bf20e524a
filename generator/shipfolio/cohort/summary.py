"""What a cohort's report shows: distributions, what most learners miss, everyone with every rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shipfolio.check.rule import FAMILIES
from shipfolio.check.scoring import Finding
from shipfolio.cohort import table
from shipfolio.cohort.cohort import Cohort
from shipfolio.cohort.survey import Standing

BINS = 10
MISSED = 8


@dataclass(frozen=True)
class Bar:
    """One bar of a chart: its label, its share of the chart's length (0 to 1), what stands beside it."""

    label: str
    share: float
    text: str
    low: bool = False


def values(cohort: Cohort, standings: list[Standing], title: str) -> Mapping[str, Any]:
    """Everything that the page's template asks for."""
    looked_at = [one for one in standings if one.findings]
    rubric = cohort.specification.rubric
    return {
        "title": title,
        "cohort": cohort.specification,
        "version": cohort.version,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "standings": sorted(standings, key=table.ORDERS["score"], reverse=True),
        "numbers": _numbers(standings, looked_at),
        "histogram": _histogram(looked_at, rubric.pass_mark),
        "pass_mark": rubric.pass_mark,
        "families": FAMILIES,
        "by_family": _by_family(looked_at),
        "missed": _missed(looked_at),
        "versions": _counted([one.version or "unknown" for one in standings]),
        "touched": _touched(looked_at),
        "drift": table.drift,
        "moment": table.moment,
    }


def _numbers(standings: list[Standing], looked_at: list[Standing]) -> dict[str, str]:
    scores = sorted(one.percent for one in looked_at)
    middle = len(scores) // 2
    median = (scores[middle] + scores[~middle]) / 2 if scores else 0
    return {
        "learners": str(len(standings)),
        "passed": str(sum(one.passed for one in standings)),
        "median score": f"{median:g}",
        "behind": str(sum(one.behind for one in standings)),
        "locked answers changed": str(sum(bool(one.unlocked) for one in standings)),
        "after the deadline": str(sum(one.late for one in standings)),
        "with a problem": str(sum(bool(one.problem) for one in standings)),
    }


def _histogram(standings: list[Standing], pass_mark: float) -> list[Bar]:
    counts = Counter(min(int(one.percent // BINS), BINS - 1) for one in standings)
    most = max(counts.values(), default=1)
    bars = []
    for number in range(BINS):
        upper = (number + 1) * 100 // BINS
        label = f"{number * 100 // BINS}"
        bars.append(Bar(label, counts[number] / most, str(counts[number] or ""), low=upper <= pass_mark))
    return bars


def _by_family(standings: list[Standing]) -> list[Bar]:
    bars = []
    for family, name in FAMILIES.items():
        findings = [finding for one in standings for finding in one.findings if finding.family == family]
        total = sum(finding.points for finding in findings)
        if total:
            share = sum(finding.points for finding in findings if finding.state == "pass") / total
            bars.append(Bar(name, share, f"{share:.0%}", low=share < 0.5))
    return bars


def _missed(standings: list[Standing]) -> list[tuple[Finding, int, float]]:
    """The rules that most learners miss: the rule, how many miss it, their share."""
    rules: dict[str, Finding] = {}
    counts: Counter[str] = Counter()
    for finding in (finding for one in standings for finding in one.findings):
        rules[finding.id] = finding if finding.fix else rules.get(finding.id, finding)
        counts[finding.id] += finding.state != "pass"
    order = sorted(
        (name for name in counts if counts[name]), key=lambda name: (-counts[name], -rules[name].points, name)
    )
    return [(rules[name], counts[name], counts[name] / len(standings)) for name in order[:MISSED]]


def _touched(standings: list[Standing]) -> list[Bar]:
    """How many learners changed or deleted how many of the template's files."""
    ranges = {"none": range(1), "1 to 5": range(1, 6), "6 to 20": range(6, 21), "more than 20": range(21, 100_000)}
    touched = [one.changed + one.deleted for one in standings]
    counts = {label: sum(number in numbers for number in touched) for label, numbers in ranges.items()}
    most = max(counts.values()) or 1
    return [Bar(label, count / most, str(count)) for label, count in counts.items()]


def _counted(names: list[str]) -> list[Bar]:
    counts = Counter(names).most_common(MISSED)
    most = max((count for _, count in counts), default=1)
    return [Bar(name, count / most, str(count)) for name, count in counts]
