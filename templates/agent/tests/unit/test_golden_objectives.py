"""The golden objectives are complete: every kind and tool, figures that the sample gives, and no hidden answer."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.bootstrap import Platform
from app.evals.golden import load_dataset
from app.evaluation.objectives import ObjectiveMetadata, figures_of
from app.evaluation.suite import SUITE
from app.memory.store import Memories
from app.sales.generator import ensure_sample
from app.settings import Settings
from app.tools.registry import own_tools

FILE = Path("evals/golden") / SUITE.file
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))["cases"]
LEAST = 60
LEAST_PER_SCORE = Settings().gate.min_cases


def expected(field: str) -> list[Any]:
    return [case["expected_output"][field] for case in CASES if field in case["expected_output"]]


def test_the_file_loads_and_is_large_enough() -> None:
    assert len(load_dataset(SUITE.dataset, FILE).cases) >= LEAST


def test_every_kind_and_enough_critical_cases_are_there() -> None:
    kinds = Counter(case["metadata"]["kind"] for case in CASES)
    assert set(kinds) == set(ObjectiveMetadata.model_json_schema()["properties"]["kind"]["enum"])
    assert sum(case["metadata"]["critical"] for case in CASES) >= 15


def test_every_score_has_enough_cases_for_the_gate() -> None:
    failing = [case for case in CASES if any(b.get("fails") for b in case["inputs"].get("tools", {}).values())]
    assert min(len(failing), len(expected("arguments")), len(expected("forbidden"))) >= LEAST_PER_SCORE


def test_every_tool_is_asked_for_and_no_other(platform: Platform) -> None:
    tools = {tool.name for tool in own_tools(platform, Memories(platform))}
    assert {name for calls in expected("calls") for name in calls} == tools
    named = {name for field in ("arguments", "forbidden") for value in expected(field) for name in value}
    misbehaving = {name for case in CASES for name in case["inputs"].get("tools", {})}
    assert named | misbehaving <= tools


def test_every_case_of_recovery_fails_somewhere_and_every_hostile_one_forbids_something_or_names_the_address() -> None:
    for case in CASES:
        tools, wanted = case["inputs"].get("tools", {}), case["expected_output"]
        if case["metadata"]["kind"] == "recovery":
            assert any(behaviour.get("fails") for behaviour in tools.values()), case["name"]
        if case["metadata"]["kind"] in ("hostile", "unknown"):
            assert "forbidden" in wanted or "send_email" in wanted["arguments"], case["name"]


@pytest.mark.parametrize("case", [c for c in CASES if "figures" in c["expected_output"]], ids=lambda c: c["name"])
def test_the_sample_gives_the_figures(case: dict[str, Any]) -> None:
    database = Settings().sales.database
    ensure_sample(database)
    figures = figures_of(case["expected_output"]["figures"], database)
    assert figures
    assert all(figure for figure in figures), "an empty or zero figure proves nothing"
