"""docs/cost.md against the price list: the page may be out of date, but it cannot be wrong about its own day."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price

PAGE = Path("docs/cost.md").read_text()
DAY = datetime.fromisoformat(re.findall(r"\| list prices of \| ([\d-]+) \|", PAGE)[0]).replace(tzinfo=UTC)


def assumed(name: str) -> int:
    """The number in the row of this assumption."""
    return int(re.findall(rf"\| {name} \| (\d+)", PAGE)[0])


def rows(heading: str) -> list[tuple[str, str]]:
    """Model and price in the table under a heading, for the models that have a price."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([\w.:-]+)` \| ([\d.]+) \|$", section, re.MULTILINE)


def dollars(model: str, usage: Usage) -> str:
    """A thousand times this usage at the prices of the page's day."""
    provider, name = model.split(":", 1)
    price = calc_price(usage, name, provider_id=provider, genai_request_timestamp=DAY).total_price
    return f"{1000 * price:.2f}"


@pytest.mark.parametrize(("model", "written"), rows("1,000 questions"))
def test_the_price_of_questions_is_what_the_price_list_says(model: str, written: str) -> None:
    usage = Usage(
        input_tokens=assumed("input tokens per question"), output_tokens=assumed("output tokens per question")
    )
    assert written == dollars(model, usage)


@pytest.mark.parametrize(("model", "written"), rows("1,000 documents"))
def test_the_price_of_documents_is_what_the_price_list_says(model: str, written: str) -> None:
    assert written == dollars(model, Usage(input_tokens=assumed("tokens per document")))


def test_both_tables_hold_prices() -> None:
    assert len(rows("1,000 questions")) >= 5
    assert rows("1,000 documents")
