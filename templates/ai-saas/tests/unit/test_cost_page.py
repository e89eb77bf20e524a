"""docs/cost.md against price list and plans: it may be out of date, but it cannot be wrong about its own day."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price

from app.billing.plans import Kind, load_plans, money
from app.site.public import lines

PAGE = Path("docs/cost.md").read_text("utf-8")
DAY = datetime.fromisoformat(re.findall(r"\| list prices of \| ([\d-]+) \|", PAGE)[0]).replace(tzinfo=UTC)
PLANS = load_plans().plans


def assumed(name: str) -> int:
    """The number in the row of this assumption."""
    return int(re.findall(rf"\| {name} \| (\d+)", PAGE)[0])


def rows(heading: str) -> list[tuple[str, list[str]]]:
    """Model and cells in the table under a heading, for the models that have a price."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `([\w.:-]+)` \|((?: -?[\d.]+ \|)+)$", section, re.MULTILINE)
    return [(model, cells.replace("|", "").split()) for model, cells in found]


def price_of_one(model: str) -> Decimal:
    """One question at the prices of the page's day, in US dollars."""
    usage = Usage(
        input_tokens=assumed("input tokens per question"), output_tokens=assumed("output tokens per question")
    )
    provider, name = model.split(":", 1)
    return calc_price(usage, name, provider_id=provider, genai_request_timestamp=DAY).total_price


@pytest.mark.parametrize(("model", "written"), rows("1,000 questions"))
def test_the_price_of_questions_is_what_the_price_list_says(model: str, written: list[str]) -> None:
    assert written == [f"{1000 * price_of_one(model):.2f}"]


@pytest.mark.parametrize(("model", "written"), rows("What a plan leaves"))
def test_what_a_plan_leaves_is_its_price_without_the_models(model: str, written: list[str]) -> None:
    one = price_of_one(model)
    quotas = [plan.quotas[Kind.QUESTIONS] for plan in PLANS]
    left = [plan.price - quota.included * one for plan, quota in zip(PLANS, quotas, strict=True)]
    beyond = [1000 * (quota.overage - one) for quota in quotas if quota.overage is not None]
    assert written == [f"{amount:.2f}" for amount in (*left, *beyond)]


def test_the_columns_are_the_plans_that_are_sold() -> None:
    beyond = [f"beyond, {plan.title}" for plan in PLANS if plan.quotas[Kind.QUESTIONS].overage is not None]
    assert f"| model | {' | '.join([*(plan.title for plan in PLANS), *beyond])} |" in PAGE


def test_the_plans_are_those_on_the_page_of_prices() -> None:
    section = PAGE.split("## Plans\n")[1].split("\n## ")[0]
    shown = [f"| {plan.title} | {money(plan.price)} | {'; '.join(lines(plan))} |" for plan in PLANS]
    assert re.findall(r"^\| (?!plan|-).*$", section, re.MULTILINE) == shown


def test_both_tables_hold_prices() -> None:
    assert min(len(rows("1,000 questions")), len(rows("What a plan leaves"))) >= 5
