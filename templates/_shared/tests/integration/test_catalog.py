"""The catalog keeps its contract in a file."""

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.stores.catalog import Catalog
from tests.integration.catalog_contract import CatalogContract


class TestCatalogInSQLite(CatalogContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/app.db"


def test_a_database_that_cannot_be_opened_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="APP_STORE__URL"):
        Catalog(f"sqlite:///{tmp_path}/missing/app.db")
