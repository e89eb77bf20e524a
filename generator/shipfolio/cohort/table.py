"""The table of a cohort: columns, order, filter; as text and as CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shipfolio.cohort.survey import Standing

FORMULA = ("=", "+", "-", "@", "\t", "\r")
LAST_SECOND = 253_402_300_799
COLUMNS: dict[str, Callable[[Standing], Any]] = {
    "id": lambda one: one.id,
    "version": lambda one: one.version or "?",
    "behind": lambda one: f"behind {one.newest}" if one.behind else "",
    "drift": lambda one: drift(one),
    "locked answers": lambda one: " ".join(one.unlocked),
    "last commit": lambda one: (
        moment(one.last_commit) + (" late" if one.late else "") + (" dirty" if one.dirty else "")
    ),
    "checks": lambda one: f"{one.rules_passed}/{len(one.findings)}",
    "score": lambda one: f"{one.percent:g}{'' if one.passed else ' below'}",
    "gate": lambda one: one.gate or "-",
    "problem": lambda one: one.problem,
}
ORDERS: dict[str, Callable[[Standing], Any]] = {
    "id": lambda one: one.id,
    "score": lambda one: (one.percent, one.id),
    "drift": lambda one: (-one.changed - one.deleted, one.id),
    "commit": lambda one: (one.last_commit, one.id),
    "version": lambda one: (one.version, one.id),
}
FILTERS: dict[str, Callable[[Standing], bool]] = {
    "behind": lambda one: one.behind,
    "drifted": lambda one: bool(one.changed or one.deleted),
    "unlocked": lambda one: bool(one.unlocked),
    "late": lambda one: one.late,
    "dirty": lambda one: one.dirty,
    "failing": lambda one: not one.passed,
    "blocked": lambda one: one.gate == "block",
    "problem": lambda one: bool(one.problem),
}


def drift(one: Standing) -> str:
    """How many of the template's files were changed or deleted, in words."""
    parts = [f"{one.changed} changed"] if one.changed else []
    return ", ".join([*parts, *([f"{one.deleted} deleted"] if one.deleted else [])])


def moment(seconds: int) -> str:
    """A time as day and minute, in UTC."""
    if seconds > LAST_SECOND:
        return "after 9999"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds else "never"


def lines(standings: list[Standing]) -> list[str]:
    """The table as text, columns aligned, empty columns left out."""
    rows = [{name: str(cell(one)) for name, cell in COLUMNS.items()} for one in standings]
    names = [name for name in COLUMNS if any(row[name] for row in rows)]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
    header = "  ".join(name.ljust(widths[name]) for name in names).rstrip()
    return [header, *("  ".join(row[name].ljust(widths[name]) for name in names).rstrip() for row in rows)]


def as_csv(standings: list[Standing]) -> str:
    """One row per learner, with the points of every rule."""
    rules = list(dict.fromkeys(finding.id for one in standings for finding in one.findings))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(["id", "name", *list(COLUMNS)[1:], *rules])
    for one in standings:
        states = {finding.id: finding.state for finding in one.findings}
        cells = [cell(one) for name, cell in COLUMNS.items() if name != "id"]
        writer.writerow(
            [_harmless(str(cell)) for cell in (one.id, one.name, *cells, *(states.get(r, "") for r in rules))]
        )
    return buffer.getvalue()


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet shows as text, whatever it begins with."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
