"""PostgreSQL with pgvector keeps the contracts of search index and catalog, on a real server without installation."""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import LiteralString

import numpy as np
import psycopg
import pytest

from app.bootstrap import open_platform
from app.errors import ConfigurationError
from app.settings import Settings, StoreSettings
from app.stores.catalog import Catalog
from app.stores.pgvector import VECTOR_SEARCH, PgvectorIndex
from app.stores.ports import Chunk, SearchIndex
from tests.integration.catalog_contract import CatalogContract
from tests.integration.job_queue_contract import JobQueueContract
from tests.integration.search_index_contract import DIMENSIONS, SearchIndexContract, store


@pytest.fixture
def url(databases: Callable[[], str]) -> str:
    return databases()


def open_index(url: str) -> PgvectorIndex:
    return PgvectorIndex(url, "offline", DIMENSIONS)


class TestPgvectorIndex(SearchIndexContract):
    @pytest.fixture
    def make_index(self, url: str) -> Callable[[str, int], SearchIndex]:
        return lambda embedding, dimensions: PgvectorIndex(url, embedding, dimensions)


class TestCatalogInPostgreSQL(CatalogContract):
    pass


class TestJobQueueInPostgreSQL(JobQueueContract):
    pass


def test_the_settings_open_catalog_and_index_in_one_database(url: str) -> None:
    with open_platform(Settings(store=StoreSettings(url=url))) as platform:
        assert isinstance(platform.index, PgvectorIndex)
        platform.index.ping()
        platform.catalog.ping()


def test_the_vector_index_finds_what_an_exact_search_finds(url: str) -> None:
    vectors = random_vectors(600)
    chunks = [Chunk("random", n, f"passage {n}", "") for n in range(600)]
    with closing(open_index(only_by_index(url))) as index:
        for _ in range(3):  # replaced rows stay in the vector index until PostgreSQL vacuums them
            index.upsert("random", chunks, vectors)
        recalls = [recall(index, vectors, query, 40) for query in vectors[:50]]
        longest = index.search_vector(vectors[0], 500)
    parameters = {"vector": str(vectors[0].tolist()), "limit": 40}
    assert "chunk_vector" in plan(only_by_index(url), VECTOR_SEARCH.format(only=""), parameters)
    assert np.mean(recalls) > 0.97
    assert len(longest) == 500


def test_a_filter_that_few_passages_pass_still_finds_them_all(url: str) -> None:
    vectors = random_vectors(600)
    chunks = [Chunk("random", n, f"passage {n}", "", tags=(("rare", str(n % 100 == 0)),)) for n in range(600)]
    with closing(open_index(only_by_index(url))) as index:
        index.upsert("random", chunks, vectors)
        found = {hit.chunk.position for hit in index.search_vector(vectors[7], 40, {"rare": "True"})}
    assert found == {0, 100, 200, 300, 400, 500}


def test_a_lost_connection_is_replaced(url: str) -> None:
    with closing(open_index(url)) as index:
        store(index, "new.md", [("New", "Ask the robot.")])
        execute(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        assert len(index.search_words(["robot"], 5)) == 1


def test_a_role_that_may_not_add_pgvector_is_told_who_may(url: str) -> None:
    execute(url, "CREATE ROLE guest LOGIN")
    with pytest.raises(ConfigurationError, match=r"permission denied.*administrator run `CREATE EXTENSION vector`"):
        open_index(url.replace("postgres:", "guest:"))


def test_a_role_that_may_create_nothing_can_use_what_is_there(url: str) -> None:
    for database in (open_index(url), Catalog(url)):
        database.close()
    execute(url, "CREATE ROLE clerk LOGIN")
    execute(url, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk")
    as_clerk = url.replace("postgres:", "clerk:")
    Catalog(as_clerk).close()
    with closing(open_index(as_clerk)) as index:
        store(index, "new.md", [("New", "Ask the robot.")])
        assert len(index.search_words(["robot"], 5)) == 1


def test_more_dimensions_than_the_index_holds_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"APP_EMBEDDING__DIMENSIONS.*2000"):
        PgvectorIndex(url, "openai:text-embedding-3-large", 3072)


@pytest.mark.parametrize("database", [Catalog, open_index], ids=["catalog", "index"])
@pytest.mark.parametrize("address", ["127.0.0.1:1/app", "127.0.0.1:x/app", "/app?host=/no where", "/app?no=thing"])
def test_a_server_out_of_reach_is_a_configuration_error_without_the_password(
    database: Callable[[str], object], address: str
) -> None:
    with pytest.raises(ConfigurationError, match="APP_STORE__URL") as caught:
        database(f"postgresql://app:secret@{address}")
    assert "secret" not in str(caught.value)


def execute(url: str, statement: str) -> None:
    """Run one statement as the owner of the server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def only_by_index(url: str) -> str:
    """The same database, where PostgreSQL reads no table from end to end if it can help it."""
    return f"{url}&options=-cenable_seqscan%3Doff"


def plan(url: str, query: LiteralString, parameters: Mapping[str, object]) -> str:
    """How PostgreSQL answers the query."""
    with psycopg.connect(url) as connection:
        return str(connection.execute("EXPLAIN " + query, parameters).fetchall())


def random_vectors(count: int) -> np.ndarray:
    """Unit vectors without any order among them, shape (count, DIMENSIONS)."""
    vectors = np.random.default_rng(0).normal(size=(count, DIMENSIONS)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def recall(index: SearchIndex, vectors: np.ndarray, query: np.ndarray, limit: int) -> float:
    """The share of the `limit` truly nearest vectors that the index finds."""
    nearest = set(np.argsort(-(vectors @ query))[:limit].tolist())
    return len(nearest & {hit.chunk.position for hit in index.search_vector(query, limit)}) / limit
