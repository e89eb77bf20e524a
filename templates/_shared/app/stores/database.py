"""The relational database that the tables of the service share: SQLAlchemy Core on SQLite or PostgreSQL."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from app.errors import ConfigurationError

CONNECT_SECONDS = 10  # longest wait for a PostgreSQL server, here and in the search index
SCHEMA_LOCK = 7_021_969_002  # any number that nothing else in the database locks

metadata = sa.MetaData()


class Moment(sa.TypeDecorator[datetime]):
    """A time with its zone; SQLite keeps no zone, so what comes back from it is UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Say UTC where the database said nothing."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def open_database(url: str) -> Engine:
    """Connect and create the tables of `metadata` that are missing.

    Raises:
        ConfigurationError: the database cannot be reached.
    """
    try:
        engine = _engine(url)
        create_missing_tables(engine)
    except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:
        raise ConfigurationError(
            f"The database cannot be opened: {first_line(error)}.", "Check APP_STORE__URL."
        ) from None
    return engine


def create_missing_tables(engine: Engine) -> None:
    """Create the tables that `metadata` has and the database lacks, one process at a time."""
    lock = f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})" if engine.dialect.name == "postgresql" else "BEGIN IMMEDIATE"
    with engine.begin() as connection:
        connection.execute(sa.text(lock))
        metadata.create_all(connection)


def insert_or_update(
    connection: Connection, table: sa.Table, row: Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> None:
    """Insert `row`; where its primary key is taken, set `changes` on the row that is there, or all of `row`.

    The row stays locked until the transaction ends.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    key = [column.name for column in table.primary_key]
    statement = insert(table).values(**row).on_conflict_do_update(index_elements=key, set_=dict(changes or row))
    connection.execute(statement)


class Housekeeping:
    """Lets work that any call may do be done once in a while: at first, then at most once in `seconds`."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next = clock()

    def due(self) -> bool:
        """Whether it is time; who hears so does the work."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


def first_line(error: Exception) -> str:
    """What a database driver says, without its hints and SQL."""
    return str(error).splitlines()[0].rstrip(".")


def _engine(url: str) -> Engine:
    if url.startswith("postgresql://"):
        address = sa.make_url(url).set(drivername="postgresql+psycopg")
        return sa.create_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS})
    return sa.create_engine(url, connect_args={"timeout": 10})
