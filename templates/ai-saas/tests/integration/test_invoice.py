"""An invoice says what the ledger says, to the cent, whatever the plan did during the month."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from app.billing.invoices import Invoice, Invoices, cents, month_bounds
from app.billing.plans import Kind
from app.billing.subscriptions import record_change
from app.billing.tables import usage_events
from app.errors import InvalidInput
from app.tenancy.scope import OrganisationScope
from tests.integration.billing_setting import PLANS, new_organisation, sqlite_database

MONTH = "2026-04"  # it has 30 days
START, END = month_bounds(MONTH)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with sqlite_database(tmp_path) as engine:
        yield engine


@pytest.fixture
def scope(engine: Engine) -> OrganisationScope:
    return new_organisation(engine)


def ask(engine: Engine, scope: OrganisationScope, when: datetime, quantity: int, kind: Kind = Kind.QUESTIONS) -> None:
    """Write into the ledger what was used at that time."""
    row = {"organisation": scope.organisation, "kind": kind, "quantity": quantity}
    key = f"{scope.organisation[:8]}{when.timestamp()}{kind[:3]}"
    with engine.begin() as connection:
        connection.execute(usage_events.insert().values(**row, id=key, happened_at=when, day=when.date()))


def put_in_force(engine: Engine, scope: OrganisationScope, when: datetime, name: str) -> None:
    plan = PLANS.named(name)
    assert plan is not None
    with engine.begin() as connection:
        record_change(connection, scope.organisation, when, plan)


def lines(invoice: Invoice) -> list[tuple[str, int, str]]:
    return [(line.title, line.quantity, str(line.amount)) for line in invoice.lines]


def test_a_free_month_costs_nothing(engine: Engine, scope: OrganisationScope) -> None:
    invoice = Invoices(engine, PLANS).invoice(scope, MONTH)
    assert lines(invoice) == [("Plan Free", 1, "0.00"), ("Questions included, of 5", 0, "0.00")]
    assert (invoice.total, invoice.final) == (Decimal("0.00"), True)


def test_what_goes_beyond_is_charged_by_the_piece(engine: Engine, scope: OrganisationScope) -> None:
    put_in_force(engine, scope, START - timedelta(days=70), "team")
    for day, quantity in ((0, 8), (3, 4), (29, 5)):
        ask(engine, scope, START + timedelta(days=day), quantity)
    invoice = Invoices(engine, PLANS).invoice(scope, MONTH)
    assert lines(invoice) == [
        ("Plan Team", 1, "30.00"),
        ("Questions included, of 10", 10, "0.00"),
        ("Questions beyond", 7, "0.11"),  # 7 of 0.015 each are 0.105
    ]
    assert str(invoice.total) == "30.11"


def test_an_upgrade_is_charged_from_its_moment(engine: Engine, scope: OrganisationScope) -> None:
    put_in_force(engine, scope, START + timedelta(days=20), "team")
    invoice = Invoices(engine, PLANS).invoice(scope, MONTH)
    assert lines(invoice)[:2] == [("Plan Free, day 1 to 20", 1, "0.00"), ("Plan Team, day 21 to 30", 1, "10.00")]


def test_who_leaves_pays_for_the_time_before_and_keeps_what_was_included(
    engine: Engine, scope: OrganisationScope
) -> None:
    put_in_force(engine, scope, START - timedelta(days=1), "team")
    put_in_force(engine, scope, START + timedelta(days=15), "free")
    ask(engine, scope, START + timedelta(days=2), 9)
    invoice = Invoices(engine, PLANS).invoice(scope, MONTH)
    assert lines(invoice) == [
        ("Plan Team, day 1 to 15", 1, "15.00"),
        ("Plan Free, day 16 to 30", 1, "0.00"),
        ("Questions included, of 10", 9, "0.00"),
    ]


def test_only_the_month_and_the_organisation_in_question_count(engine: Engine, scope: OrganisationScope) -> None:
    put_in_force(engine, scope, END, "team")
    ask(engine, scope, START - timedelta(microseconds=1), 1)
    ask(engine, scope, START, 1)
    ask(engine, scope, END - timedelta(microseconds=1), 1)
    ask(engine, scope, END, 1)
    ask(engine, new_organisation(engine), START, 1)
    ask(engine, scope, START, 500, Kind.TOKENS)
    invoice = Invoices(engine, PLANS).invoice(scope, MONTH)
    assert lines(invoice) == [("Plan Free", 1, "0.00"), ("Questions included, of 5", 2, "0.00")]


def test_a_month_that_goes_on_is_a_preview(engine: Engine, scope: OrganisationScope) -> None:
    assert not Invoices(engine, PLANS).invoice(scope, f"{datetime.now(UTC):%Y-%m}").final


def test_a_plan_that_is_no_longer_sold_counts_as_the_first(engine: Engine, scope: OrganisationScope) -> None:
    put_in_force(engine, scope, START, "team")
    fewer = PLANS.model_copy(update={"plans": PLANS.plans[:1]})
    assert lines(Invoices(engine, fewer).invoice(scope, MONTH))[0] == ("Plan Free", 1, "0.00")


@pytest.mark.parametrize(
    "month", ["", "2026", "2026-00", "2026-13", "1999-01", "2026-1", "2026-11-01", "2026-11\n", "x"]
)
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(InvalidInput, match="no month"):
        month_bounds(month)


@pytest.mark.parametrize(
    ("month", "first", "after"), [("2024-02", "2024-02-01", "2024-03-01"), ("2026-12", "2026-12-01", "2027-01-01")]
)
def test_a_month_ends_where_the_next_begins(month: str, first: str, after: str) -> None:
    assert [bound.date().isoformat() for bound in month_bounds(month)] == [first, after]


@pytest.mark.parametrize(
    ("exact", "charged"), [("0.105", "0.11"), ("0.1049", "0.10"), ("0.005", "0.01"), ("0", "0.00")]
)
def test_halves_of_a_cent_are_rounded_up(exact: str, charged: str) -> None:
    assert str(cents(Decimal(exact))) == charged
