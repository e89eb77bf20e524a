"""The usage chart and the numbers on pages: round scales, bars inside the picture, words that say the same."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from app.billing.plans import Kind, money
from app.site.figures import HEIGHT, LEAST, WIDTH, bar_chart, round_above

DAYS = [date(2026, 11, 1) + timedelta(days=n) for n in range(30)]


@pytest.mark.parametrize(("value", "above"), [(0, 2), (1, 2), (3, 4), (9, 10), (11, 20), (101, 200), (2_001, 4_000)])
def test_the_scale_ends_at_a_round_number(value: int, above: int) -> None:
    assert round_above(value) == above


def test_the_highest_bar_stays_inside_and_an_empty_day_is_seen() -> None:
    chart = bar_chart(DAYS, [0, 7, 10, *[1] * 27])
    assert min(bar.y for bar in chart.bars) >= 0
    assert all(bar.y + bar.height == pytest.approx(HEIGHT, abs=0.11) for bar in chart.bars)
    assert max(bar.x + bar.width for bar in chart.bars) <= WIDTH
    assert chart.bars[0].height == LEAST
    assert [line.label for line in chart.lines] == ["0", "5", "10"]
    assert chart.words == "44 in 30 days, at most 10 on one"


def test_nothing_used_is_a_chart_too() -> None:
    chart = bar_chart(DAYS, [0] * 30)
    assert chart.words == "0 in 30 days, at most 0 on one"
    assert [line.label for line in chart.lines] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("quantity", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 KB"), (25_000_000, "25 MB"), (2_000_000_000, "2 GB")],
)
def test_sizes_are_told_in_units_that_fit(quantity: int, words: str) -> None:
    assert Kind.STORAGE_BYTES.amount(quantity) == words


@pytest.mark.parametrize(("amount", "words"), [("0", "$0"), ("29", "$29"), ("0.015", "$0.015"), ("2.5", "$2.50")])
def test_prices_have_the_digits_that_they_need(amount: str, words: str) -> None:
    assert money(Decimal(amount)) == words
