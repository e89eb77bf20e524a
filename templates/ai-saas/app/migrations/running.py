"""Brings the service's own tables up to date; the shared rooms make theirs, and PostgreSQL then separates those."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from app.errors import ConfigurationError
from app.stores.database import SCHEMA_LOCK, create_missing_tables
from app.tenancy.isolation import isolate
from app.tenancy.tables import load_tables

FOLDER = Path(__file__).parent


def migrate(engine: Engine) -> None:
    """Do every change that this database has not seen, one process at a time, all of them or none.

    On PostgreSQL it needs the role that owns the tables.
    """
    load_tables()
    create_missing_tables(engine)
    on_server = engine.dialect.name == "postgresql"
    with engine.begin() as connection:
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})" if on_server else "BEGIN IMMEDIATE"))
        command.upgrade(_config(connection), "head")
    if on_server:
        isolate(engine)


def prepare(engine: Engine) -> None:
    """At the start of the service: migrate SQLite's file; PostgreSQL is migrated by the release.

    Raises:
        ConfigurationError: PostgreSQL is of another version than this code.
    """
    if engine.dialect.name == "sqlite":
        migrate(engine)
        return
    with engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
    wanted = set(ScriptDirectory.from_config(_config(None)).get_heads())
    if present != wanted:
        raise ConfigurationError(
            f"The database is at migration {_named(present)}, this version needs {_named(wanted)}.",
            "Run `uv run app migrate` as the role that owns the tables.",
        )


def write_migration(engine: Engine, message: str) -> Path:
    """A new file in `versions/` with what the tables in the code have and this database, up to date, has not."""
    migrate(engine)
    with engine.connect() as connection:
        config = _config(connection)
        last = ScriptDirectory.from_config(config).get_current_head() or "0"
        number = f"{int(last) + 1:04}"
        command.revision(config, message, autogenerate=True, rev_id=number)
    (written,) = (FOLDER / "versions").glob(f"{number}_*.py")
    return written


def _config(connection: Connection | None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def _named(revisions: set[str]) -> str:
    return ", ".join(sorted(revisions)) or "none"
