"""docs/cost.md against the price list: the page may be out of date, but it cannot be wrong about its own day."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price

PAGE = Path("docs/cost.md").read_text("utf-8")
DAY = datetime.fromisoformat(re.findall(r"\| list prices of \| ([\d-]+) \|", PAGE)[0]).replace(tzinfo=UTC)
ROWS = re.findall(r"^\| `([\w.:-]+)` \| ([\d.]+) \|$", PAGE, re.MULTILINE)


def assumed(name: str) -> int:
    """The number in the row of this assumption."""
    return int(re.findall(rf"\| {name} \| (\d+)", PAGE)[0])


@pytest.mark.parametrize(("model", "written"), ROWS)
def test_the_price_of_runs_is_what_the_price_list_says(model: str, written: str) -> None:
    usage = Usage(input_tokens=assumed("input tokens per run"), output_tokens=assumed("output tokens per run"))
    provider, name = model.split(":", 1)
    price = calc_price(usage, name, provider_id=provider, genai_request_timestamp=DAY).total_price
    assert written == f"{1000 * price:.2f}"


def test_the_table_holds_prices() -> None:
    assert len(ROWS) >= 5
