"""Qdrant keeps organisations apart: each has a collection of its own. Its local mode stands in for a server."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.bootstrap import Platform, open_platform
from app.migrations.running import prepare
from app.settings import Settings, StoreSettings
from app.tenancy.tenants import Tenants
from tests.integration.isolation_contract import IsolationContract
from tests.integration.one_of_everything import fill, found

pytest.importorskip("qdrant_client", reason="QDRANT IS NOT TESTED: its client is not installed, run `make setup`")

from qdrant_client import QdrantClient

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")


class Server:
    """One Qdrant for all clients that connect: closing one of these does not end it. One call at a time."""

    def __init__(self) -> None:
        self._client = QdrantClient(":memory:")
        self._turn = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._turn:
                return getattr(self._client, name)(*args, **kwargs)

        return call

    def close(self) -> None:
        """A client goes."""


class TestIsolationInCollections(IsolationContract):
    @pytest.fixture
    def server(self, monkeypatch: pytest.MonkeyPatch) -> Server:
        server = Server()
        monkeypatch.setattr("app.stores.qdrant.connect", lambda *_: (server, "passages"))
        return server

    @pytest.fixture
    def settings(self, tmp_path: Path, server: Server) -> Settings:
        return Settings(store=StoreSettings(url=f"sqlite:///{tmp_path}/app.db", index_url="qdrant://127.0.0.1:1"))

    @pytest.fixture
    def platform(self, settings: Settings) -> Iterator[Platform]:
        with open_platform(settings) as opened:
            prepare(opened.catalog.engine)
            yield opened

    @pytest.fixture
    def everything(self, platform: Platform) -> sa.Engine:
        return platform.catalog.engine

    def test_the_collection_goes_with_its_organisation(self, tenants: Tenants, server: Server) -> None:
        one, two = found(tenants), found(tenants)
        fill(tenants, one)
        fill(tenants, two)
        tenants.delete(one)
        left = {collection.name for collection in server.get_collections().collections}
        assert left == {"passages", f"passages-{two}"}
