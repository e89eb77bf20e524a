"""The embedded search index keeps the contract; a server's adapter is asked for by its URL."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest

from app.bootstrap import build_index
from app.errors import ConfigurationError
from app.settings import Settings, StoreSettings
from app.stores.ports import SearchIndex
from app.stores.sqlite import SQLiteIndex
from tests.integration.search_index_contract import SearchIndexContract


class TestSQLiteIndex(SearchIndexContract):
    @pytest.fixture
    def make_index(self, tmp_path: Path) -> Callable[[str, int], SearchIndex]:
        return lambda embedding, dimensions: SQLiteIndex(tmp_path / "index.db", embedding, dimensions)


def test_opening_waits_for_another_process_that_creates_the_file(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "index.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    Timer(0.3, lambda: other.execute("COMMIT")).start()
    index = SQLiteIndex(tmp_path / "index.db", "offline", 64)
    assert not other.in_transaction
    index.close()
    other.close()


def test_an_unknown_store_is_refused_without_showing_its_password() -> None:
    settings = Settings(store=StoreSettings(url="mysql://app:secret@localhost/app"))
    with pytest.raises(ConfigurationError, match=r"APP_STORE__URL starts with 'mysql'.*postgresql://") as caught:
        build_index(settings)
    assert "secret" not in str(caught.value)
