"""SQLite keeps organisations apart: each has a file of its own."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.bootstrap import Platform, open_platform
from app.errors import ConfigurationError
from app.migrations.running import prepare
from app.settings import Settings, StoreSettings
from app.tenancy.homes import home_of
from app.tenancy.tenants import Tenants
from tests.integration.isolation_contract import IsolationContract
from tests.integration.one_of_everything import found


class TestIsolationInFiles(IsolationContract):
    @pytest.fixture
    def platform(self, settings: Settings) -> Iterator[Platform]:
        with open_platform(settings) as opened:
            prepare(opened.catalog.engine)
            yield opened

    @pytest.fixture
    def everything(self, platform: Platform) -> sa.Engine:
        return platform.catalog.engine

    def test_a_file_that_nobody_uses_is_closed(self, platform: Platform, tenants: Tenants) -> None:
        few = Tenants(platform, most_open=1)
        index = weakref.ref(few.open(found(tenants)).index)
        assert index() is not None
        few.open(found(tenants))
        gc.collect()
        assert index() is None


def test_an_index_that_knows_no_organisations_is_refused(tmp_path: Path, platform: Platform) -> None:
    store = StoreSettings(url=f"sqlite:///{tmp_path}/app.db", index_url=f"sqlite:///{tmp_path}/index.db")
    settings = platform.settings.model_copy(update={"store": store})
    with open_platform(settings) as other, pytest.raises(ConfigurationError, match="APP_STORE__INDEX_URL"):
        home_of(other)
