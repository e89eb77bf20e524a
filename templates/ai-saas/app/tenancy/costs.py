"""What an organisation's model calls cost: charged to the organisation, whoever of it asked."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from opentelemetry.metrics import CallbackOptions, Observation
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from sqlalchemy.engine import Connection, Engine

from app.llm.metering import Meter, Receipt
from app.llm.spending import budgets, ledger, reservations
from app.observability.telemetry import Telemetry
from app.stores.database import insert_or_add
from app.tenancy.scope import SERVICE_ID
from app.tenancy.tables import tenants

DELETED = "deleted"  # whom the ledger names where the organisation is gone
MOST_SHOWN = 10  # organisations with a series of their own: metrics must not grow with the number of customers
OTHERS = "others"
NANO = 1_000_000_000


class OrganisationMeter(Meter):
    """The service's meter for one organisation: `APP_BUDGET__KEY_…` are limits of the organisation as a whole."""

    def __init__(self, meter: Meter, organisation: str) -> None:
        self._meter = meter
        self._organisation = organisation

    @asynccontextmanager
    async def call(
        self, caller: str, feature: str, model: Model, messages: Sequence[ModelMessage]
    ) -> AsyncGenerator[Receipt]:
        """As `Meter.call`, charged to the organisation."""
        async with self._meter.call(self._organisation, feature, model, messages) as receipt:
            yield receipt


def forget_account(connection: Connection, organisation: str) -> None:
    """Take an organisation's name out of the ledger. The sums stay: the provider's invoice holds them too."""
    for line in connection.execute(ledger.select().where(ledger.c.caller == organisation)).mappings():
        key = {column.name: line[column] for column in ledger.primary_key} | {"caller": DELETED}
        amounts = {column.name: line[column] for column in ledger.columns if column.name not in key}
        insert_or_add(connection, ledger, key, amounts)
    for table in (ledger, budgets, reservations):
        connection.execute(table.delete().where(table.c.caller == organisation))


def watch_costs(telemetry: Telemetry, engine: Engine) -> None:
    """Add the gauges of today's cost, from the ledger that all processes share; a day ends at 00:00 UTC."""

    def by_organisation(_: CallbackOptions) -> Iterable[Observation]:
        spent = _spent_today(engine, ledger.c.caller)
        shown = [Observation(usd, {"organisation": who}) for who, usd in spent[:MOST_SHOWN]]
        return [*shown, Observation(sum(usd for _, usd in spent[MOST_SHOWN:]), {"organisation": OTHERS})]

    def by_feature(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(usd, {"feature": feature}) for feature, usd in _spent_today(engine, ledger.c.feature)]

    def organisations(_: CallbackOptions) -> Iterable[Observation]:
        with engine.connect() as connection:
            query = sa.select(sa.func.count()).where(tenants.c.id != SERVICE_ID)
            return [Observation(connection.execute(query).scalar_one())]

    meter = telemetry.meters.get_meter("app")
    meter.create_observable_gauge("organisations", [organisations], description="How many there are")
    meter.create_observable_gauge("feature.cost.today", [by_feature], description="US dollars since 00:00 UTC")
    meter.create_observable_gauge(
        "organisation.cost.today", [by_organisation], description="US dollars since 00:00 UTC, of the dearest ones"
    )


def _spent_today(engine: Engine, column: sa.Column[str]) -> list[tuple[str, float]]:
    """What today's calls cost in US dollars, by this column, the dearest first."""
    nano = sa.func.sum(ledger.c.nano_usd)
    query = sa.select(column, nano).where(ledger.c.day == datetime.now(UTC).date()).group_by(column)
    with engine.connect() as connection:
        return [(name, int(spent) / NANO) for name, spent in connection.execute(query.order_by(nano.desc(), column))]
