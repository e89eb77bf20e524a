"""Every command of docs/instructors.md runs, in its order, on the files that it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT, git

PAGE = (ROOT / "docs/instructors.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_every_command_of_the_page_runs(shipfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shipfolio import repository

    monkeypatch.setattr(repository, "lock", lambda _project: "no registry in this test")
    monkeypatch.chdir(tmp_path)
    cohort, weights = blocks("yaml")
    remote = f"{tmp_path}/remotes/{{id}}.git"
    Path("cohort.yml").write_text(cohort.replace("git@github.com:my-course/{id}.git", remote), "utf-8")
    Path("weights.yml").write_text(weights, "utf-8")
    (roster,) = blocks("csv")
    Path("roster.csv").write_text(roster, "utf-8")
    for name in ("ada", "grace", "linus"):
        git(tmp_path, "init", "--quiet", "--bare", f"remotes/{name}.git")
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 15
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "shipfolio"
        outcome = shipfolio(*words[1:])
        judged = "--exit-code" in words or words[1] == "check"
        assert outcome.code == (3 if judged else 0), (command, outcome)
    assert {"report.html", "report.csv", "status.csv", "ada.html"} <= {path.name for path in tmp_path.iterdir()}
    assert git(tmp_path / "remotes/ada.git", "rev-parse", "main")


def test_the_page_names_every_filter_and_outcome() -> None:
    from shipfolio.cohort.table import FILTERS

    for name in (*FILTERS, "clean", "conflict", "refused", "current"):
        assert re.search(rf"\b{name}\b", PAGE), name
