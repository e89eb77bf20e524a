"""The numbers in README.md are those of what is there."""

from __future__ import annotations

import re

import pytest
import yaml

from shipfolio.check.rules import fresh
from tests.conftest import ROOT

TEXT = (ROOT / "README.md").read_text("utf-8")


def cases(path: str) -> list[int]:
    """How many golden cases each file that matches holds."""
    return [len(yaml.safe_load(file.read_text("utf-8"))["cases"]) for file in sorted((ROOT / "templates").glob(path))]


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        (r"evaluation over (\d+) golden questions", cases("rag-platform/evals/golden/questions.yaml")),
        (r"(\d+) objectives with the same gate", cases("agent/evals/golden/objectives.yaml")),
        (r"at least (\d+) golden cases per product", cases("ai-saas/evals/golden/*-cases.yaml")),
        (r"shipfolio check +# (\d+) rules", [len(fresh())]),
    ],
)
def test_what_the_readme_counts_is_there(said: str, counted: list[int]) -> None:
    (number,) = re.findall(said, TEXT)
    assert int(number) == min(counted)
