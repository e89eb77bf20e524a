"""What the tables of the service share: rows that are inserted or updated, and housekeeping once in a while."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.stores.database import (
    Housekeeping,
    Moment,
    Prepared,
    close_database,
    insert_or_add,
    insert_or_update,
    open_database,
)

counts = sa.Table(
    "count",
    sa.MetaData(),
    sa.Column("day", sa.Integer, primary_key=True),
    sa.Column("who", sa.String(9), primary_key=True),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("note", sa.String(9), nullable=False),
)
visits = sa.Table(
    "visit",
    sa.MetaData(),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("at", Moment, nullable=False),
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/counts.db")
    counts.create(engine)
    yield engine
    engine.dispose()


def rows(engine: Engine) -> list[tuple[int, str, int, str]]:
    with engine.connect() as connection:
        return [(day, who, calls, note) for day, who, calls, note in connection.execute(counts.select())]


def test_a_row_is_inserted_and_then_replaced_by_its_whole_key(engine: Engine) -> None:
    with engine.begin() as connection:
        for who, calls in (("anna", 1), ("ben", 2), ("anna", 3)):
            insert_or_update(connection, counts, {"day": 1, "who": who, "calls": calls, "note": ""})
    assert rows(engine) == [(1, "anna", 3, ""), (1, "ben", 2, "")]


def test_amounts_are_added_to_the_row_that_is_there_and_told(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_or_update(connection, counts, {"day": 1, "who": "anna", "calls": 5, "note": "kept"})
        added = insert_or_add(connection, counts, {"day": 1, "who": "anna", "note": "new"}, {"calls": 2})
        begun = insert_or_add(connection, counts, {"day": 2, "who": "anna", "note": "new"}, {"calls": 2})
    assert (added.calls, begun.calls) == (7, 2)
    assert rows(engine) == [(1, "anna", 7, "kept"), (2, "anna", 2, "new")]


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    yield engine
    engine.dispose()


def test_a_prepared_statement_writes_what_sqlalchemy_reads_and_the_other_way_round(database: Engine) -> None:
    visits.create(database)
    moment = datetime(2026, 2, 28, 12, 30, 1, 5, tzinfo=UTC)
    insert = Prepared(visits.insert(), database.dialect)
    leave = Prepared(
        visits.delete().where(visits.c.at == sa.bindparam("moment")).returning(visits.c.day), database.dialect
    )
    with database.begin() as connection:
        assert insert.run(connection, {"day": date(2026, 2, 28), "at": moment}) == []
        assert connection.execute(visits.select()).all() == [(date(2026, 2, 28), moment)]
        assert len(leave.run(connection, {"moment": moment})) == 1
        assert leave.run(connection, {"moment": moment}) == []
        connection.execute(visits.insert(), {"day": date(2026, 2, 28), "at": moment})
        assert len(leave.run(connection, {"moment": moment})) == 1


def test_a_prepared_statement_belongs_to_the_transaction_around_it(database: Engine) -> None:
    visits.create(database)
    insert = Prepared(visits.insert(), database.dialect)
    with database.connect() as connection:
        with connection.begin() as transaction:
            insert.run(connection, {"day": date(2026, 2, 28), "at": datetime.now(UTC)})
            transaction.rollback()
        assert connection.execute(visits.select()).all() == []


def test_a_prepared_statement_tells_a_busy_database_as_sqlalchemy_does(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/visits.db", connect_args={"timeout": 0})
    visits.create(engine)
    insert = Prepared(visits.insert(), engine.dialect)
    with engine.begin() as writer, engine.connect() as other:
        writer.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(sa.exc.OperationalError, match="locked"):
            insert.run(other, {"day": date(2026, 2, 28), "at": datetime.now(UTC)})
    engine.dispose()


def test_a_sqlite_file_lets_readers_go_on_while_one_writes(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/app.db")
    with database.connect() as connection:
        modes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    database.dispose()
    assert modes == ["wal", 1]


def test_a_connection_in_use_when_its_database_is_closed_is_closed_when_it_comes_back(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/app.db")
    connection = database.connect()
    driver = connection.connection.driver_connection
    close_database(database)
    assert connection.scalar(sa.text("SELECT 1")) == 1
    connection.close()
    assert driver is not None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")


def test_housekeeping_is_due_at_first_and_then_once_in_its_time() -> None:
    moments = iter([0.0, 0.0, 59.0, 60.0, 61.0, 120.0])
    work = Housekeeping(60, clock=lambda: next(moments))
    assert [work.due() for _ in range(5)] == [True, False, True, False, True]
