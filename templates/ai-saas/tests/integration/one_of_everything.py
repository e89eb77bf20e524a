"""Fills every table that holds data of organisations, and looks for what is left of one anywhere."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.accounts.tables import users
from app.stores.database import Moment
from app.stores.database import metadata as shared
from app.stores.ports import Chunk
from app.tenancy.isolation import SERVICE
from app.tenancy.scope import of_organisation
from app.tenancy.tables import add_tenant, load_tables, metadata, tenants
from app.tenancy.tenants import Tenants

load_tables()
SHARED = [table for table in shared.sorted_tables if table.name not in SERVICE]
OWN = [table for table in metadata.sorted_tables if any(key.column is tenants.c.id for key in table.foreign_keys)]
TEXT = "The carried robot opens the second door of the west hall on every fifth day."


def found(tenants: Tenants) -> str:
    """A new organisation."""
    with tenants.engine.begin() as connection:
        return add_tenant(connection)


def fill(tenants: Tenants, organisation: str) -> None:
    """One row in every table, the same keys for every organisation, and a passage in the index."""
    platform = tenants.open(organisation)
    _insert(platform.catalog.engine, SHARED, "same", {})
    known: dict[sa.Column[Any], Any] = {}
    _insert(tenants.engine, [users], organisation[::-1], known)  # a person, who stays when the organisation goes
    _insert(of_organisation(tenants.engine, organisation), OWN, organisation, known)
    vector = np.eye(1, platform.settings.embedding.dimensions, dtype=np.float32)
    platform.index.upsert("robot.md", [Chunk("robot.md", 0, TEXT, "Robot")], vector)


def counts(engine: Engine, tables: list[sa.Table]) -> dict[str, int]:
    """How many rows of each table are seen, whatever a query asks for."""
    with engine.connect() as connection:
        return {t.name: connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for t in tables}


def traces(engine: Engine, organisation: str) -> list[str]:
    """The tables of this database, in any schema, in which the organisation's id stands anywhere."""
    inspector = sa.inspect(engine)
    schemas = [s for s in inspector.get_schema_names() if s != "information_schema"]
    names = [(schema, name) for schema in schemas for name in inspector.get_table_names(schema)]
    with engine.connect() as connection:
        return [name for schema, name in names if organisation in repr(_rows(connection, schema, name))]


def _rows(connection: Connection, schema: str, name: str) -> list[Any]:
    return list(connection.execute(sa.select(sa.text("*")).select_from(sa.table(name, schema=schema))).all())


def _insert(engine: Engine, tables: list[sa.Table], text: str, known: dict[sa.Column[Any], Any]) -> None:
    """A row in each table; `known` are the keys that other tables' rows may point to."""
    with engine.begin() as connection:
        for table in tables:
            row = {c.name: _value(c, text, known) for c in table.columns if c is not table.autoincrement_column}
            result = connection.execute(table.insert().values(row))
            key = result.inserted_primary_key or ()
            known.update(zip(table.primary_key.columns, key, strict=True))


def _value(column: sa.Column[Any], text: str, known: dict[sa.Column[Any], Any]) -> Any:
    for key in column.foreign_keys:
        return known.get(key.column, text)
    if isinstance(column.type, sa.Enum):
        return next(iter(column.type.enum_class)) if column.type.enum_class else column.type.enums[0]
    if isinstance(column.type, Moment):
        return datetime.now(UTC)
    values: dict[type, Any] = {
        str: text[: getattr(column.type, "length", None)],
        bool: True,
        int: 1,
        float: 1.0,
        bytes: b"same",
        date: date.today(),
    }
    return values[column.type.python_type]
