"""Migrations make the tables that the code describes, whoever runs them and however often."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Engine

from app.errors import ConfigurationError
from app.migrations import running
from app.migrations.running import migrate, prepare, write_migration
from app.settings import Settings
from app.stores.catalog import Catalog
from app.tenancy.tables import load_tables, metadata

load_tables()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Engine]:
    url = settings.store.url
    if request.param == "postgresql":
        databases: Callable[[], str] = request.getfixturevalue("databases")
        url = databases()
    with closing(Catalog(url)) as catalog:
        yield catalog.engine


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations that a test may change."""
    shutil.copytree(running.FOLDER, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(running, "FOLDER", tmp_path / "migrations")
    return tmp_path / "migrations" / "versions"


def differences(engine: Engine) -> list[Any]:
    """What the code has and the database has not, or the other way round."""
    options = {"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_the_migrations_make_what_the_code_describes(engine: Engine) -> None:
    assert differences(engine)
    migrate(engine)
    assert differences(engine) == []


def test_to_migrate_again_changes_nothing(engine: Engine) -> None:
    for _ in range(2):
        migrate(engine)
    prepare(engine)


def test_several_processes_may_migrate_at_once(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(engine), range(4)))
    assert differences(engine) == []


def test_a_new_migration_is_written_from_the_tables_and_done(engine: Engine, history: Path) -> None:
    table = sa.Table("novelty", metadata, sa.Column("id", sa.String(16), primary_key=True))
    try:
        path = write_migration(engine, "A novelty")
        assert path.parent == history
        assert "novelty" in path.read_text(encoding="utf-8")
        migrate(engine)
        assert differences(engine) == []
    finally:
        metadata.remove(table)


def test_a_migration_that_fails_changes_nothing(engine: Engine, history: Path) -> None:
    migrate(engine)
    text = (history / "0001_first.py").read_text(encoding="utf-8")
    head, _, _ = text.partition("def upgrade")
    body = 'def upgrade() -> None:\n    op.execute("CREATE TABLE half (id integer)")\n    op.execute("nonsense")\n'
    second = head.replace('"0001"', '"0002"').replace("down_revision = None", 'down_revision = "0001"') + body
    (history / "0002_half.py").write_text(second, encoding="utf-8")
    with pytest.raises(sa.exc.DBAPIError):
        migrate(engine)
    assert not sa.inspect(engine).has_table("half")


def mark(engine: Engine, revision: str) -> None:
    """Let the database say that this was its last migration."""
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_a_server_that_lacks_a_migration_is_refused(databases: Callable[[], str]) -> None:
    with closing(Catalog(databases())) as catalog:
        with pytest.raises(ConfigurationError, match=r"none.*app migrate"):
            prepare(catalog.engine)
        migrate(catalog.engine)
        mark(catalog.engine, "0000")
        with pytest.raises(ConfigurationError, match=r"0000.*app migrate"):
            prepare(catalog.engine)


def test_the_build_before_works_with_a_database_that_a_later_one_migrated(engine: Engine) -> None:
    """As it must while a canary is tried, and after a release was taken back."""
    migrate(engine)
    mark(engine, "9999")
    prepare(engine)
    migrate(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
