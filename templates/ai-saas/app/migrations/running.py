"""Brings the service's own tables up to date; the shared rooms make theirs, and PostgreSQL then separates those.

While a canary is tried and after a release is taken back, a build works with a database that a later one migrated. So
migrations only go forward, and each leaves what the build before it needs: add first, take away a release later.
"""

from pathlib import Path

import sqlalchemy as sa
import structlog
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

log = structlog.get_logger()


def migrate(engine: Engine) -> None:
    """Do every change that this database has not seen, one process at a time, all of them or none.

    A database that a later build migrated stays as it is. On PostgreSQL it needs the role that owns the tables.
    """
    load_tables()
    create_missing_tables(engine)
    on_server = engine.dialect.name == "postgresql"
    with engine.begin() as connection:
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})" if on_server else "BEGIN IMMEDIATE"))
        if _later(_present(connection)):
            return
        command.upgrade(_config(connection), "head")
    if on_server:
        isolate(engine)


def prepare(engine: Engine) -> None:
    """At the start of the service: migrate SQLite's file; PostgreSQL is migrated by the release.

    Raises:
        ConfigurationError: PostgreSQL lacks a migration of this code.
    """
    if engine.dialect.name == "sqlite":
        migrate(engine)
        return
    with engine.connect() as connection:
        present = _present(connection)
    if present == _wanted():
        return
    if not _later(present):
        raise ConfigurationError(
            f"The database is at migration {present or 'none'}, this version needs {_wanted()}.",
            "Run `uv run app migrate` as the role that owns the tables.",
        )
    log.info("a later build migrated the database", present=present, own=_wanted())


def write_migration(engine: Engine, message: str) -> Path:
    """A new file in `versions/` with what the tables in the code have and this database, up to date, has not."""
    migrate(engine)
    with engine.connect() as connection:
        config = _config(connection)
        number = f"{int(_wanted()) + 1:04}"
        command.revision(config, message, autogenerate=True, rev_id=number)
    (written,) = (FOLDER / "versions").glob(f"{number}_*.py")
    return written


def _config(connection: Connection | None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def _present(connection: Connection) -> str:
    """The database's last migration, '' for none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def _wanted() -> str:
    """This code's last migration."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or "0"


def _later(present: str) -> bool:
    """Whether a migration came after all that this code knows; their names are numbers."""
    return present.isdigit() and int(present) > int(_wanted())
