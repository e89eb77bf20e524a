"""Facts about the tools that stand in two files are the same in both."""

from __future__ import annotations

import tomllib

from shipfolio import upkeep
from tests.conftest import ROOT


def requirements() -> dict[str, str]:
    """The names and bounds of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {item.split(">")[0]: item for item in project["dependencies"]}


def test_constraints_pin_every_dependency_by_name_and_version_only() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert set(requirements()) <= set(pinned)
    assert all(version[0].isdigit() for version in pinned.values())


def test_the_templates_are_linted_with_the_rules_of_the_rendered_projects() -> None:
    partial = (ROOT / upkeep.RUFF_SOURCE).read_text("utf-8")
    rendered = tomllib.loads(partial[partial.index("[tool.ruff]") :])["tool"]["ruff"]
    ours = tomllib.loads(upkeep.lint_settings(partial))
    assert ours["line-length"] == rendered["line-length"]
    assert ours["lint"]["select"] == rendered["lint"]["select"]
    assert ours["lint"]["per-file-ignores"]["**/tests/**"] == rendered["lint"]["per-file-ignores"]["tests/**"]
