"""Pairs of answers: what the table allows renders, the rest is refused by us and by plain Copier."""

from __future__ import annotations

import itertools
from pathlib import Path

import copier
import pytest

from shipfolio.answers import resolve
from shipfolio.errors import UsageError
from shipfolio.questions import Questionnaire, load
from tests.conftest import ROOT, files_of
from tests.render import checks
from tests.unit.test_answers import BOTH, EVERYWHERE, RUNS_ON, allowed


def pairwise(values: dict[str, list[str]]) -> list[dict[str, str]]:
    """Rows that hold every pair of answers to two questions at least once (greedy, same rows each time)."""
    names = list(values)
    missing = {((a, x), (b, y)) for a, b in itertools.combinations(names, 2) for x in values[a] for y in values[b]}
    rows = []
    while missing:
        (a, x), (b, y) = min(missing)
        row = {a: x, b: y}
        for name in names:
            if name not in row:
                row[name] = max(values[name], key=lambda v: (_covered({**row, name: v}, names) & missing).__len__())
        missing -= _covered(row, names)
        rows.append({name: row[name] for name in names})
    return rows


def _covered(row: dict[str, str], names: list[str]) -> set:
    known = [name for name in names if name in row]
    return {((a, row[a]), (b, row[b])) for a, b in itertools.combinations(known, 2)}


def rows() -> list[dict[str, str]]:
    """Every pair over every choice of the questionnaire; `product` only where it is asked."""
    questionnaire = load(ROOT)
    values = {question.name: question.values for question in questionnaire.asked if question.values}
    made = [row if row["template"] == "ai-saas" else {**row, "product": ""} for row in pairwise(values)]
    unique = {tuple(sorted(row.items())): {k: v for k, v in row.items() if v} for row in made}
    return list(unique.values())


def legal(row: dict[str, str]) -> bool:
    return allowed(row["cloud"], row["deploy"], row["provider"], row["fallback_provider"])


def with_legal_providers(row: dict[str, str]) -> dict[str, str]:
    """The row with the first provider that its cloud and deployment allow, where its own is refused."""
    return row if legal(row) else {**row, "provider": "openai", "fallback_provider": "none"}


def reasons(row: dict[str, str]) -> list[str]:
    """Which of the pairs of a row are wrong, in the words of the independent table."""
    found = []
    for question in ("provider", "fallback_provider"):
        clouds, deploys = RUNS_ON.get(row[question], (EVERYWHERE, BOTH))
        found += [f"{question} {row[question]} cloud"] if row["cloud"] not in clouds else []
        found += [f"{question} {row[question]} deploy"] if row["deploy"] not in deploys else []
    return found + (["same"] if row["provider"] == row["fallback_provider"] else [])


ROWS = rows()
REFUSED = [row for row in ROWS if not legal(row)]
RENDERED = [row for row in ROWS if legal(row)] + [with_legal_providers(row) for row in REFUSED][:10]
# Plain Copier takes a tenth of a second to refuse: one row for each way in which a pair is wrong.
DISTINCT = list({(*reasons(row),): row for row in REFUSED}.values())


def readable(row: dict[str, str]) -> str:
    return "-".join(row.values())


def test_the_rows_hold_every_pair() -> None:
    values = {"a": ["1", "2"], "b": ["x", "y", "z"], "c": ["p", "q"]}
    covered = set().union(*(_covered(row, list(values)) for row in pairwise(values)))
    assert len(covered) == 2 * 3 + 2 * 2 + 3 * 2


@pytest.mark.parametrize("row", RENDERED, ids=readable)
def test_an_allowed_combination_renders_and_parses(rendered, row: dict[str, str]) -> None:
    project = rendered(**row)
    changed = [name for name in files_of(project) if not name.startswith(("samples/", "app/"))]
    assert ".copier-answers.yml" in changed
    assert not [problem for name in changed if (problem := checks.parse_problem(project / name))]


@pytest.mark.parametrize("row", REFUSED, ids=readable)
def test_a_refused_combination_is_refused_by_the_cli(questionnaire: Questionnaire, row: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="choose"):
        resolve(questionnaire, row)


@pytest.mark.parametrize("row", DISTINCT, ids=readable)
def test_a_refused_combination_is_refused_by_plain_copier(snapshot, tmp_path: Path, row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="choose"):
        copier.run_copy(
            str(snapshot.root),
            tmp_path / "out",
            data=row,
            defaults=True,
            quiet=True,
            unsafe=False,
            settings=copier.Settings(),
        )
    assert not (tmp_path / "out").exists()
