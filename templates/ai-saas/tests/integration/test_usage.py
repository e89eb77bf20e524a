"""Usage, plans, webhooks and the outbox keep their contract in SQLite and, for real, in PostgreSQL under guard."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.migrations.running import migrate
from app.tenancy.scope import of_organisation
from tests.integration.billing_contract import COLUMNS, BillingContract
from tests.integration.billing_setting import new_organisation, service_database, sqlite_database


@pytest.fixture(scope="module")
def migrated(databases: Callable[[], str]) -> str:
    """A database of the role `biller`, migrated."""
    address = databases()
    name = sa.make_url(address).database
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS biller")
        connection.execute("CREATE ROLE biller LOGIN")
        connection.execute(f"ALTER DATABASE {name} OWNER TO biller".encode())
    url = sa.make_url(address).set(username="biller").render_as_string(hide_password=False)
    with service_database(url) as engine:
        migrate(engine)
    return url


class TestBillingInSQLite(BillingContract):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        with sqlite_database(tmp_path) as engine:
            yield engine


class TestBillingInPostgreSQL(BillingContract):
    """The role is no superuser, so a statement that forgets whose it is finds and writes nothing."""

    @pytest.fixture
    def engine(self, migrated: str) -> Iterator[Engine]:
        with service_database(migrated) as engine:
            with engine.begin() as connection:
                connection.exec_driver_sql("TRUNCATE tenant, stripe_event CASCADE")
            yield engine

    def test_the_guard_is_on(self, engine: Engine) -> None:
        scope = new_organisation(engine)
        row = "INSERT INTO usage_event VALUES ('1', '{}', 'questions', 1, now(), now(), NULL, NULL)"
        with of_organisation(engine, scope.organisation).begin() as connection:
            connection.exec_driver_sql(row.format(scope.organisation))
        for reader in (engine, of_organisation(engine, new_organisation(engine).organisation)):
            with reader.connect() as connection:
                assert connection.execute(sa.select(COLUMNS.id)).all() == []
