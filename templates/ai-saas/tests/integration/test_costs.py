"""The gauges of cost: the dearest organisations by name, all others together, and every feature."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from app.billing.outbox import Outbox, watch_outbox
from app.llm.spending import ledger
from app.observability.telemetry import Telemetry, build_telemetry
from app.stores.database import create_missing_tables
from app.tenancy.costs import MOST_SHOWN, watch_costs
from app.tenancy.scope import new_id
from app.tenancy.tables import add_tenant
from tests.integration.billing_setting import sqlite_database

TODAY = datetime.now(UTC).date()
SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with sqlite_database(tmp_path) as opened:
        create_missing_tables(opened)
        yield opened


@pytest.fixture
def telemetry() -> Telemetry:
    return build_telemetry()


def spend(engine: Engine, organisation: str, cents: int, feature: str = "answer", day: date = TODAY) -> None:
    key = {"day": day, "caller": organisation, "feature": feature, "model": "m"}
    amounts = {"calls": 1, "input_tokens": 1, "output_tokens": 1, "nano_usd": cents * 10_000_000}
    with engine.begin() as connection:
        connection.execute(ledger.insert().values(**key, **amounts))


def read(telemetry: Telemetry, metric: str) -> dict[str, float]:
    """The series of a metric, by the value of its first label, as Prometheus reads them."""
    found = SAMPLE.findall(telemetry.exposition().decode())
    return {labels.split('"')[1]: float(value) for name, labels, value in found if name == metric}


def test_a_few_organisations_have_a_series_and_the_sum_is_whole(engine: Engine, telemetry: Telemetry) -> None:
    watch_costs(telemetry, engine)
    names = [new_id() for _ in range(MOST_SHOWN + 30)]
    for cents, name in enumerate(names, start=1):
        spend(engine, name, cents)
    shown = read(telemetry, "organisation_cost_today")
    assert set(shown) == {*names[-MOST_SHOWN:], "others"}
    assert shown[names[-1]] == pytest.approx(len(names) / 100)
    assert sum(shown.values()) == pytest.approx(sum(range(len(names) + 1)) / 100)


def test_a_day_begins_with_nothing(engine: Engine, telemetry: Telemetry) -> None:
    watch_costs(telemetry, engine)
    spend(engine, new_id(), 5, day=TODAY - timedelta(days=1))
    assert read(telemetry, "organisation_cost_today") == {"others": 0}


def test_features_are_told_apart_across_organisations(engine: Engine, telemetry: Telemetry) -> None:
    watch_costs(telemetry, engine)
    for name in (new_id(), new_id()):
        spend(engine, name, 3, "answer")
        spend(engine, name, 1, "summary")
    assert read(telemetry, "feature_cost_today") == pytest.approx({"answer": 0.06, "summary": 0.02})


def test_organisations_are_counted(engine: Engine, telemetry: Telemetry) -> None:
    watch_costs(telemetry, engine)
    with engine.begin() as connection:
        for _ in range(3):
            add_tenant(connection)
    assert list(read(telemetry, "organisations").values()) == [3]


@pytest.mark.parametrize("set_up", [False, True])
def test_what_stripe_does_not_know_of_is_a_gauge_also_without_stripe(
    engine: Engine, telemetry: Telemetry, set_up: bool
) -> None:
    class Nobody:
        def report(self, event: str, customer: str, quantity: int, happened_at: datetime) -> bool:
            return False

    watch_outbox(telemetry, Outbox(engine, Nobody(), 0) if set_up else None)
    assert list(read(telemetry, "billing_unreported").values()) == [0]
    assert list(read(telemetry, "billing_unreported_age_seconds").values()) == [0]
