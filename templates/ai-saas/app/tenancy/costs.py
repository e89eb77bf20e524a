"""What an organisation's model calls cost: charged to the organisation, whoever of it asked."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from sqlalchemy.engine import Connection

from app.llm.metering import Meter, Receipt
from app.llm.spending import budgets, ledger, reservations
from app.stores.database import insert_or_add

DELETED = "deleted"  # whom the ledger names where the organisation is gone


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
