"""The relational database that the tables of the service share: SQLAlchemy Core on SQLite or PostgreSQL."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql.compiler import SQLCompiler

from app.errors import ConfigurationError

CONNECT_SECONDS = 10  # longest wait for a PostgreSQL server, here and in the search index
BUSY_SECONDS = 10  # longest wait for another process that writes to the same SQLite file
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


def insert_or_update(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
    """Insert `row`, in place of the row with its primary key if there is one."""
    connection.execute(upsert(connection.dialect.name, table, ()), row)


def insert_or_add(connection: Connection, table: sa.Table, key: Mapping[str, Any], amounts: Mapping[str, int]) -> Any:  # noqa: ANN401 - the row's type is the table's
    """Add `amounts` to the row with this primary key, which begins at 0; return the row as it is then.

    The row stays locked until the transaction ends.
    """
    return connection.execute(upsert(connection.dialect.name, table, tuple(amounts)), {**key, **amounts}).one()


@lru_cache
def upsert(dialect: str, table: sa.Table, added: tuple[str, ...]) -> sa.Insert:
    """The statement, made once: SQLAlchemy takes longer to build it than a database to do it."""
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    known = same_key(dialect, table)
    if added:
        sums = {name: table.c[name] + statement.excluded[name] for name in added}
        return statement.on_conflict_do_update(**known, set_=sums).returning(*table.columns)
    key = [column.name for column in table.primary_key]
    replaced = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in key}
    return statement.on_conflict_do_update(**known, set_=replaced)


def same_key(dialect: str, table: sa.Table) -> dict[str, Any]:
    """What `on_conflict_do_update` needs to meet the row with the same primary key.

    PostgreSQL is told the constraint and not its columns: a service of many organisations adds theirs to the key.
    """
    if dialect == "postgresql":
        return {"constraint": f"{table.name}_pkey"}
    return {"index_elements": [column.name for column in table.primary_key]}


class Prepared:
    """A statement compiled once and run on the driver's own cursor: for the few that stand around every model call.

    SQLAlchemy takes longer around a statement than SQLite inside it. Values are converted by the types of their
    columns; rows come as the driver gives them.
    """

    def __init__(self, statement: sa.ClauseElement, dialect: sa.Dialect) -> None:
        compiled = cast("SQLCompiler", statement.compile(dialect=dialect))
        types = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        converters = {name: kind.bind_processor(dialect) for name, kind in types.items()}
        self._sql = str(compiled)
        self._order = compiled.positiontup  # of the values, where the driver knows no names
        self._converters = {name: convert for name, convert in converters.items() if convert}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it in the connection's transaction; the rows that it returns, none where it returns nothing.

        Raises:
            OperationalError: the database is away, busy or full, as `connection.execute` says it.
        """
        given = {**values, **{name: convert(values[name]) for name, convert in self._converters.items()}}
        with closing(connection.connection.cursor()) as cursor:
            try:
                cursor.execute(self._sql, [given[name] for name in self._order] if self._order else given)
                return list(cursor.fetchall()) if cursor.description else []
            except connection.dialect.loaded_dbapi.OperationalError as error:
                raise sa.exc.OperationalError(self._sql, None, error) from error


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
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", lambda connection, _: use_write_ahead_log(connection))
    return engine


def close_database(engine: Engine) -> None:
    """Release all connections; one that a thread still uses is closed when it comes back."""
    sa.event.listen(engine, "checkin", lambda _, record: record.invalidate())
    engine.dispose()


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Let readers go on while one process writes, and commit without waiting for the disk.

    A process that is killed loses nothing; a power cut may take the last moments. SQLite refuses the switch at once
    while another process makes it.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = NORMAL")
