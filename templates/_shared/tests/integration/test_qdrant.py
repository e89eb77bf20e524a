"""Qdrant keeps the contract of the search index: in its local mode, and on a server where TEST_QDRANT_URL names one."""

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from pydantic import SecretStr

from app.bootstrap import build_index
from app.errors import ConfigurationError
from app.settings import Settings, StoreSettings
from app.stores.ports import SearchIndex
from tests.integration.search_index_contract import DIMENSIONS, SearchIndexContract, store

pytest.importorskip("qdrant_client", reason="QDRANT IS NOT TESTED: its client is not installed, run `make setup`")

from qdrant_client import QdrantClient

from app.stores.qdrant import AVERAGE_LENGTH, QdrantIndex, connect

SERVER = os.environ.get("TEST_QDRANT_URL")
SERVER_KEY = os.environ.get("TEST_QDRANT_KEY")

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")


class LocalQdrant:
    """Qdrant's local mode, one call at a time: it has no locks of its own."""

    def __init__(self) -> None:
        self._client = QdrantClient(":memory:")
        self._turn = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._turn:
                return getattr(self._client, name)(*args, **kwargs)

        return call


class TestQdrantIndex(SearchIndexContract):
    average_length = AVERAGE_LENGTH

    def idf(self, chunks: int, n: int) -> float:
        return math.log(1 + (chunks - n + 0.5) / (n + 0.5))

    @pytest.fixture(params=["local", "server"] if SERVER else ["local"])
    def make_index(self, request: pytest.FixtureRequest) -> Iterator[Callable[[str, int], SearchIndex]]:
        if request.param == "local":
            client: Any = LocalQdrant()
            yield lambda embedding, dimensions: QdrantIndex(client, "test", embedding, dimensions)
        else:
            url = f"{SERVER}/test-{uuid4()}"
            yield lambda embedding, dimensions: QdrantIndex(*connect(url, SERVER_KEY), embedding, dimensions)
            client, collection = connect(url, SERVER_KEY)
            client.delete_collection(collection)
            client.close()


def test_a_writer_that_comes_late_leaves_the_newer_version() -> None:
    client: Any = LocalQdrant()
    with closing(QdrantIndex(client, "test", "offline", DIMENSIONS)) as index:
        original = client.upsert

        def overtaken(*args: Any, **kwargs: Any) -> Any:
            client.upsert = original
            store(index, "a.md", [("New", "Ask the robot."), ("New", "Or the other robot.")])
            return original(*args, **kwargs)

        client.upsert = overtaken
        store(index, "a.md", [("Old", "Nobody knows the robot.")])
        assert {hit.chunk.locator for hit in index.search_words(["robot"], 5)} == {"New"}


def test_a_clock_that_was_set_back_does_not_bring_old_passages_back(monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = LocalQdrant()
    with closing(QdrantIndex(client, "test", "offline", DIMENSIONS)) as index:
        store(index, "a.md", [("Old", "Ask the robot.")])
        monkeypatch.setattr("app.stores.qdrant.time.time_ns", lambda: 0)
        store(index, "a.md", [("New", "Ask the robot.")])
        assert [hit.chunk.locator for hit in index.search_words(["robot"], 5)] == ["New"]


class Refusal(BaseHTTPRequestHandler):
    """A server that knows no such key."""

    keys: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.keys.append(self.headers["api-key"])
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_a_server_that_refuses_the_key_is_a_configuration_error_without_the_key() -> None:
    with HTTPServer(("127.0.0.1", 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = StoreSettings(index_url=f"qdrant://127.0.0.1:{server.server_port}", index_key=SecretStr("secret"))
        with pytest.raises(ConfigurationError, match=r"403.*APP_STORE__INDEX_KEY") as caught:
            build_index(Settings(store=store))
        server.shutdown()
    assert Refusal.keys == ["secret"]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["qdrant://127.0.0.1:1", "qdrant://127.0.0.1:x", "qdrant+https://127.0.0.1:1/docs"])
def test_a_server_out_of_reach_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="APP_STORE__INDEX_URL"):
        build_index(Settings(store=StoreSettings(index_url=url)))
