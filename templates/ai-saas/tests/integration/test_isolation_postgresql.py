"""PostgreSQL keeps organisations apart by row-level security, whatever a query forgets to ask for."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine

from app.api.application import create_app
from app.bootstrap import build_index, open_platform
from app.errors import ConfigurationError
from app.migrations.running import migrate, prepare
from app.prompts.live import LiveReleases
from app.prompts.registry import Release
from app.settings import Settings, StoreSettings
from app.stores.catalog import Catalog, DocumentStatus
from app.tenancy.isolation import INDEX, isolate, require_isolation
from app.tenancy.scope import new_id, of_organisation
from app.tenancy.tables import GUARDED, metadata
from app.tenancy.tenants import Tenants
from tests.integration.isolation_contract import IsolationContract
from tests.integration.one_of_everything import SHARED, counts, fill, found

ROLE = "DO $$ BEGIN CREATE ROLE {0} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
GUARDED_TABLES = [table for table in metadata.sorted_tables if table.info == GUARDED]
SEPARATED = [*(table.name for table in (*SHARED, *GUARDED_TABLES)), *INDEX]


@pytest.fixture
def everything(databases: Callable[[], str]) -> Iterator[Engine]:
    """An empty database that belongs to the role `owner`, opened by the owner of the server."""
    engine = sa.create_engine(databases().replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for role in ("owner", "service"):
            connection.exec_driver_sql(ROLE.format(role))
        connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} OWNER TO owner")
        connection.exec_driver_sql("CREATE EXTENSION vector")
    yield engine
    engine.dispose()


def settings_of(everything: Engine, role: str) -> Settings:
    """The settings of a service that connects as `role`."""
    url = everything.url.set(drivername="postgresql", username=role).render_as_string(hide_password=False)
    return Settings(store=StoreSettings(url=url))


def migrate_as_owner(everything: Engine) -> None:
    """What `app migrate` does."""
    settings = settings_of(everything, "owner")
    with closing(Catalog(settings.store.url)) as catalog, closing(build_index(settings)):
        migrate(catalog.engine)


class TestIsolationByRows(IsolationContract):
    """The service's role owns the tables, which row-level security would not concern unless it is forced."""

    @pytest.fixture
    def settings(self, everything: Engine) -> Settings:
        migrate_as_owner(everything)
        return settings_of(everything, "owner")

    def test_guarded_tables_of_the_product_are_seen_by_their_organisation_alone(
        self, tenants: Tenants, one: str, two: str
    ) -> None:
        fill(tenants, one)
        engines = [*(of_organisation(tenants.engine, each) for each in (one, two)), tenants.engine]
        seen = [counts(engine, GUARDED_TABLES) for engine in engines]
        assert [set(each.values()) for each in seen] == [{1}, {0}, {0}]

    @pytest.mark.parametrize("statement", ["UPDATE {} SET organisation = organisation", "DELETE FROM {}"])
    def test_no_row_of_another_is_changed_or_deleted(
        self, tenants: Tenants, one: str, two: str, statement: str
    ) -> None:
        fill(tenants, one)
        for engine in (of_organisation(tenants.engine, two), tenants.engine):
            with engine.begin() as connection:
                touched = {name: connection.exec_driver_sql(statement.format(name)).rowcount for name in SEPARATED}
            assert set(touched.values()) == {0}, touched

    def test_no_row_is_written_or_moved_for_another(self, tenants: Tenants, one: str, two: str) -> None:
        fill(tenants, one)
        insert = "INSERT INTO document_content (sha256, document_id, organisation) VALUES ('a', 'b', '{}')"
        for engine in (of_organisation(tenants.engine, two), tenants.engine):
            with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), engine.begin() as connection:
                connection.exec_driver_sql(insert.format(one))
        move = "UPDATE document SET organisation = '{}'"
        own = of_organisation(tenants.engine, one)
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), own.begin() as connection:
            connection.exec_driver_sql(move.format(two))

    def test_nothing_is_written_without_an_organisation_even_where_one_was_named_before(
        self, tenants: Tenants, one: str
    ) -> None:
        insert = "INSERT INTO document_content (sha256, document_id) VALUES ('a', 'b')"
        with tenants.engine.connect() as connection:  # one connection, so that the setting could stay behind
            with pytest.raises(sa.exc.ProgrammingError, match=r"app\.organisation"):
                connection.exec_driver_sql(insert)
            connection.rollback()
            named = connection.execution_options(organisation=one)
            assert named.exec_driver_sql("SELECT count(*) FROM document_content").scalar() == 0
            named.rollback()
            unnamed = connection.execution_options(organisation=None)
            with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
                unnamed.exec_driver_sql(insert)

    def test_an_organisation_ends_with_its_transaction(self, tenants: Tenants, one: str) -> None:
        fill(tenants, one)
        assert set(counts(of_organisation(tenants.engine, one), GUARDED_TABLES).values()) == {1}
        assert set(counts(tenants.engine, GUARDED_TABLES).values()) == {0}  # the same connection, from the pool

    def test_no_row_belongs_to_an_organisation_that_there_is_not(self, tenants: Tenants) -> None:
        nobody = Catalog(of_organisation(tenants.engine, new_id()))
        with pytest.raises(sa.exc.IntegrityError, match="tenant"):
            nobody.record("a.md", "0" * 64, DocumentStatus.READY)


def open_tenants(settings: Settings) -> None:
    """What the service does at its start."""
    with open_platform(settings) as platform:
        prepare(platform.catalog.engine)
        Tenants(platform)


def test_a_role_that_owns_nothing_can_serve(everything: Engine) -> None:
    migrate_as_owner(everything)
    with everything.connect() as connection:
        connection.exec_driver_sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service")
        connection.exec_driver_sql("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO service")
    with open_platform(settings_of(everything, "service")) as platform:
        tenants = Tenants(platform)
        one, two = found(tenants), found(tenants)
        fill(tenants, one)
        assert counts(tenants.open(two).catalog.engine, SHARED) == dict.fromkeys((t.name for t in SHARED), 0)
        tenants.delete(one)
        assert tenants.all() == [two]


def test_feedback_of_who_runs_the_service_is_no_organisations(everything: Engine) -> None:
    migrate_as_owner(everything)
    with open_platform(settings_of(everything, "owner")) as platform:
        app, secret = create_app(platform), platform.catalog.keys.create("operator")
        client, one = TestClient(app, headers={"Authorization": f"Bearer {secret}"}), found(app.state.tenants)
        assert client.post("/v1/feedback", json={"trace_id": "0" * 32, "rating": 1}).status_code == 204
        assert [said["rating"] for said in client.get("/v1/feedback").json()] == [1]
        assert app.state.tenants.open(one).answers.judgements() == []
        assert app.state.tenants.all() == [one]


def test_a_superuser_steps_down_to_a_role_that_sees_one_organisation(everything: Engine) -> None:
    settings = settings_of(everything, str(everything.url.username))
    with closing(Catalog(settings.store.url)) as catalog, closing(build_index(settings)):
        migrate(catalog.engine)
    with open_platform(settings) as platform:
        tenants = Tenants(platform)
        one, two = found(tenants), found(tenants)
        fill(tenants, one)
        for engine in (tenants.open(two).catalog.engine, platform.catalog.engine):
            assert set(counts(engine, SHARED).values()) == {0}
        hits = [tenants.open(each).index.search_words(["robot"], 5) for each in (one, two)]
        assert [len(each) for each in hits] == [1, 0]
        tenants.delete(one)


def test_a_role_that_passes_row_level_security_and_cannot_step_down_is_refused(everything: Engine) -> None:
    migrate_as_owner(everything)
    with pytest.raises(ConfigurationError, match="no superuser"):
        open_tenants(settings_of(everything, str(everything.url.username)))


def test_a_database_that_was_not_migrated_is_refused(everything: Engine) -> None:
    with pytest.raises(ConfigurationError, match="app migrate"):
        open_tenants(settings_of(everything, "owner"))


@pytest.mark.parametrize(
    "loosened",
    [
        "ALTER TABLE document DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE chunk NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY organisation ON answer_cache; ALTER TABLE answer_cache DISABLE ROW LEVEL SECURITY",
    ],
)
def test_a_table_that_is_not_separated_stops_the_service(everything: Engine, loosened: str) -> None:
    migrate_as_owner(everything)
    settings = settings_of(everything, "owner")
    open_tenants(settings)
    with everything.connect() as connection:
        connection.exec_driver_sql(loosened)
    with pytest.raises(ConfigurationError, match=r"not separated.*app migrate"):
        open_tenants(settings)


def test_rows_from_before_there_were_organisations_are_not_given_to_anybody(everything: Engine) -> None:
    settings = settings_of(everything, "owner")
    with open_platform(settings) as platform:
        platform.catalog.record("a.md", "0" * 64, DocumentStatus.READY)
    with pytest.raises(ConfigurationError, match=r"'document' holds rows.*empty database"):
        migrate_as_owner(everything)


def test_to_separate_again_changes_nothing(everything: Engine) -> None:
    migrate_as_owner(everything)
    with open_platform(settings_of(everything, "owner")) as platform:
        tenants = Tenants(platform)
        one = found(tenants)
        fill(tenants, one)
        isolate(platform.catalog.engine)
        require_isolation(platform.catalog.engine)
        assert set(counts(tenants.open(one).catalog.engine, SHARED).values()) == {1}


def test_what_is_released_live_is_the_services_own(everything: Engine) -> None:
    """One release of a prompt is for all organisations, also under the role that sees one organisation at a time."""
    settings, since = settings_of(everything, str(everything.url.username)), datetime(2026, 11, 22, tzinfo=UTC)
    with closing(Catalog(settings.store.url)) as catalog, closing(build_index(settings)):
        migrate(catalog.engine)
    release = Release(stable="1", canary="2", percent=10, since=since)
    with open_platform(settings) as platform:
        tenants = Tenants(platform)
        for engine in (platform.catalog.engine, tenants.open(found(tenants)).catalog.engine):
            LiveReleases(engine).add("digest", "answer", release, "10 %", since)
            assert LiveReleases(engine).read("digest") == {"answer": release}
            assert LiveReleases(platform.catalog.engine).read("digest") == {"answer": release}
