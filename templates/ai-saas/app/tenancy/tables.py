"""The tables that only this product has: their metadata, and the column that says whose a row is.

They are made by the migrations (`app migrate`), never by `create_all`. The shared rooms' tables are another metadata,
`app.stores.database.metadata`; on PostgreSQL `app.tenancy.isolation` gives those the same column.
"""

from datetime import UTC, datetime
from importlib import import_module

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from app.stores.database import Moment
from app.tenancy.scope import ID_LENGTH, new_id

NAMES = {  # SQLite changes a constraint by its name, so each has one
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "%(table_name)s_pkey",
}
# Each module that makes a table, so that none is forgotten when tables are made and guarded; a test looks for others.
ROOMS = (
    "app.accounts.tables",
    "app.answering.conversations",
    "app.billing.tables",
    "app.evals.answers",
    "app.evals.due",
    "app.ingestion.fingerprints",
    "app.ingestion.intake",
    "app.llm.cache",
    "app.llm.spending",
    "app.operations.tables",
    "app.organisations.tables",
    "app.prompts.live",
    "app.stores.catalog",
    "app.stores.keys",
    "app.tenancy.tables",
    "app.workspace.shares",
    "app.workspace.sources",
)
GUARDED = {"guarded": True}  # `info` of a table whose rows PostgreSQL shows to the organisation in question alone

metadata = sa.MetaData(naming_convention=NAMES)

tenants = sa.Table(
    "tenant",
    metadata,
    sa.Column("id", sa.String(ID_LENGTH), primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
)
# Organisations whose rows are gone and whose files and collections are to follow, whatever happens to the process.
deletions = sa.Table("tenant_deletion", metadata, sa.Column("id", sa.String(ID_LENGTH), primary_key=True))


def organisation_column(*, primary_key: bool = False) -> sa.Column[str]:
    """Whose row it is. A row goes when its organisation goes, and none can come afterwards."""
    tenant = sa.ForeignKey("tenant.id", ondelete="CASCADE")
    return sa.Column("organisation", sa.String(ID_LENGTH), tenant, primary_key=primary_key, nullable=False, index=True)


def add_tenant(connection: Connection) -> str:
    """Let a new organisation have data, from the commit of this transaction on; return its id."""
    identifier = new_id()
    connection.execute(tenants.insert().values(id=identifier, created_at=datetime.now(UTC)))
    return identifier


def load_tables() -> None:
    """Make every table known to its metadata, also those of the flavour."""
    for room in ROOMS:
        import_module(room)
    import_module("app.workspace.flavour").chosen()
