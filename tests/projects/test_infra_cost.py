"""The price tables of the three clouds: computed text, sources, and parts that the infrastructure really has."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT

PARTIALS = ROOT / "templates/_partials/cost"
CLOUDS = ("aws", "azure", "gcp")
DEPLOYS = ("serverless", "kubernetes")


@pytest.fixture(scope="module")
def cost() -> Iterator[ModuleType]:
    """The generated project's own module."""
    sys.path.insert(0, str(ROOT / "templates/_shared"))
    try:
        from delivery import cost

        yield cost
    finally:
        sys.path.remove(str(ROOT / "templates/_shared"))


@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_page_says_what_the_prices_say(
    cost: ModuleType, rendered: Callable[..., Path], cloud: str, deploy: str
) -> None:
    project = rendered("rag-platform", cloud=cloud, deploy=deploy)
    table, how = cost.present(project)
    assert how == deploy
    page = (project / "docs/cost.md").read_text("utf-8")
    assert cost.between_marks(page) == cost.markdown(table, deploy)


@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_part_stands_in_the_infrastructure(
    cost: ModuleType, rendered: Callable[..., Path], cloud: str, deploy: str
) -> None:
    project = rendered("rag-platform", cloud=cloud, deploy=deploy)
    files = [*project.glob("infra/*/*.tf"), *project.glob("infra/*/*.example"), *project.glob("deploy/**/*.yaml")]
    text = re.sub(r"[ \t]+", " ", "\n".join(file.read_text("utf-8") for file in files))
    for part in getattr(cost.present(project)[0], deploy).parts:
        assert f'resource "{part.resource}"' in text or f"kind: {part.resource}\n" in text, part.what
        assert [wanted for wanted in part.stands if wanted not in text] == [], part.what


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_price_is_used_and_names_its_source(cost: ModuleType, cloud: str) -> None:
    table = cost.read(ROOT / f"templates/_shared/infra/{cloud}/prices.yaml")
    assert {part.price for part in (*table.serverless.parts, *table.kubernetes.parts)} == set(table.prices)
    for price in table.prices.values():
        assert price.usd > 0
        assert re.search(r"\w\.\w|\w/\w", price.source), "a page, not a rumour"
        assert re.search(r"20\d\d", price.dated)


def test_a_month_is_computed_by_hand(cost: ModuleType) -> None:
    table = cost.read(ROOT / "templates/_shared/infra/aws/prices.yaml")
    nat = next(line for line in cost.lines(table, table.serverless) if line.part.price == "nat")
    assert (nat.dev, nat.prod) == (Decimal("32.85"), Decimal("65.70"))
