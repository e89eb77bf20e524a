"""What separates organisations on every database, as tests. A test module per database says how it is opened."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa
from pydantic_ai.models import Model

from app.bootstrap import Platform, open_platform
from app.errors import NotFound
from app.ingestion.library import Library
from app.llm.cache import AnswerCache
from app.llm.usage import Usage
from app.settings import Settings
from app.stores.catalog import DocumentStatus, document_id
from app.tenancy.costs import DELETED
from app.tenancy.tenants import Tenants
from app.tenancy.work import DocumentWork, job_key
from tests.integration.one_of_everything import OWN, SHARED, TEXT, counts, fill, found, traces

READY = DocumentStatus.READY
DATA = TEXT.encode()


class IsolationContract:
    """Inherit it and define the fixtures `settings`, of an empty database that is migrated, and `everything`.

    `everything` opens the database as somebody who sees all rows. Files must come to stand below `tmp_path`.
    """

    @pytest.fixture
    def platform(self, settings: Settings) -> Iterator[Platform]:
        with open_platform(settings) as opened:
            yield opened

    @pytest.fixture
    def tenants(self, platform: Platform) -> Tenants:
        return Tenants(platform)

    @pytest.fixture
    def one(self, tenants: Tenants) -> str:
        return found(tenants)

    @pytest.fixture
    def two(self, tenants: Tenants) -> str:
        return found(tenants)

    def test_rows_of_every_table_are_seen_by_their_organisation_alone(
        self, tenants: Tenants, platform: Platform, one: str, two: str
    ) -> None:
        fill(tenants, one)
        seen = [counts(engine, SHARED) for engine in self.engines(tenants, platform, one, two)]
        assert [set(each.values()) for each in seen] == [{1}, {0}, {0}]

    def test_two_organisations_may_use_the_same_keys_in_every_table(self, tenants: Tenants, one: str, two: str) -> None:
        fill(tenants, one)
        fill(tenants, two)
        for organisation in (one, two):
            assert set(counts(tenants.open(organisation).catalog.engine, SHARED).values()) == {1}

    def test_no_search_finds_passages_of_another(
        self, tenants: Tenants, platform: Platform, one: str, two: str
    ) -> None:
        anyio.run(Library(tenants.open(one)).add, "robot.md", DATA)
        (vector,) = anyio.run(platform.embedder.embed, [TEXT], "query")
        found_by = []
        for index in (tenants.open(one).index, tenants.open(two).index, platform.index):
            hits = [*index.search_words(["robot"], 5), *index.search_vector(vector, 5)]
            found_by.append((len(hits), len(index.passages("robot.md")), index.word_statistics(["robot"]).chunks))
        assert found_by == [(2, 1, 1), (0, 0, 0), (0, 0, 0)]

    def test_the_same_document_is_no_duplicate_in_another_organisation(
        self, tenants: Tenants, one: str, two: str
    ) -> None:
        libraries = [Library(tenants.open(organisation)) for organisation in (one, two)]
        records = [anyio.run(library.add, "robot.md", DATA) for library in libraries]
        assert [(record.status, record.reason) for record in records] == [(READY, "")] * 2
        anyio.run(libraries[0].remove, records[0].id)
        assert libraries[0].catalog.documents() == []
        assert [chunk.text for chunk in libraries[1].passages(records[1].id)] == [TEXT]

    def test_an_answer_is_given_again_in_its_own_organisation_alone(
        self, tenants: Tenants, platform: Platform, one: str, two: str
    ) -> None:
        caches = [AnswerCache(engine, platform.settings.cache) for engine in self.engines(tenants, platform, one, two)]
        caches[0].keep("scope", "Why?", None, "So.")
        assert [cache.find("scope", "Why?") for cache in caches] == ["So.", None, None]

    def test_a_job_of_one_organisation_reaches_no_document_of_another(
        self, tenants: Tenants, one: str, two: str
    ) -> None:
        library, work, identifier = Library(tenants.open(one)), DocumentWork(tenants), document_id("robot.md")
        library.intake.accept("robot.md", DATA)
        anyio.run(work.do, job_key(two, identifier))
        assert work.waiting() == [job_key(one, identifier)]
        anyio.run(work.do, job_key(one, identifier))
        assert library.catalog.document(identifier).status is READY

    def test_what_model_calls_cost_is_charged_to_the_organisation(
        self, tenants: Tenants, platform: Platform, one: str
    ) -> None:
        anyio.run(self.spend, tenants.open(one), platform.model)
        with platform.catalog.engine.connect() as connection:
            callers = connection.exec_driver_sql("SELECT caller, input_tokens FROM spend_ledger").all()
        assert [tuple(row) for row in callers] == [(one, 7)]

    @pytest.mark.parametrize("identifier", ["", "../../../etc", "0" * 16, "1" * 16, "A" * 16, "0" * 15 + "/", "%2e%2e"])
    def test_nothing_but_an_organisation_opens(self, tenants: Tenants, identifier: str) -> None:
        for reach in (tenants.open, tenants.delete):
            with pytest.raises(NotFound):
                reach(identifier)

    def test_a_deleted_organisation_leaves_nothing(
        self, tenants: Tenants, platform: Platform, everything: sa.Engine, tmp_path: Path, one: str, two: str
    ) -> None:
        for organisation in (one, two):
            fill(tenants, organisation)
            anyio.run(self.spend, tenants.open(organisation), platform.model)
        before = traces(everything, two)
        assert len(traces(everything, one)) >= len(OWN)
        tenants.delete(one)
        assert traces(everything, one) == []
        assert [path for path in tmp_path.rglob("*") if one in path.name] == []
        with pytest.raises(NotFound):
            tenants.open(one)
        assert tenants.all() == [two]
        assert traces(everything, two) == before
        assert set(counts(tenants.open(two).catalog.engine, SHARED).values()) == {1}
        assert len(tenants.open(two).index.search_words(["robot"], 5)) == 1
        with platform.catalog.engine.connect() as connection:
            callers = connection.exec_driver_sql("SELECT caller FROM spend_ledger").scalars().all()
        assert set(callers) == {DELETED, two}

    def test_who_still_works_for_a_deleted_organisation_writes_nothing(
        self, tenants: Tenants, platform: Platform, everything: sa.Engine, tmp_path: Path, one: str
    ) -> None:
        elsewhere = Tenants(platform)  # as in another process
        library = Library(elsewhere.open(one))
        library.intake.accept("robot.md", DATA)
        tenants.delete(one)
        with pytest.raises(sa.exc.DBAPIError):
            library.intake.accept("robot.md", DATA)
        anyio.run(DocumentWork(elsewhere).do, job_key(one, document_id("robot.md")))
        assert traces(everything, one) == []
        assert [path for path in tmp_path.rglob("*") if one in path.name] == []

    def test_a_deletion_that_was_interrupted_ends_at_the_next_start(
        self,
        tenants: Tenants,
        platform: Platform,
        everything: sa.Engine,
        tmp_path: Path,
        one: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        fill(tenants, one)
        with monkeypatch.context() as context:
            context.setattr(tenants, "_remove_data", self.fail)
            with pytest.raises(ConnectionError):
                tenants.delete(one)
        assert traces(everything, one) == ["tenant_deletion"]
        Tenants(platform)
        assert traces(everything, one) == []
        assert [path for path in tmp_path.rglob("*") if one in path.name] == []

    def test_an_organisation_that_was_closed_for_others_goes_on(self, platform: Platform, tenants: Tenants) -> None:
        few, ids = Tenants(platform, most_open=1), [found(tenants) for _ in range(3)]
        opened = [few.open(organisation) for organisation in ids]
        for number, each in enumerate(opened):
            each.catalog.record(f"{number}.md", "0" * 64, READY)
            each.index.ping()
        assert [[d.name for d in few.open(each).catalog.documents()] for each in ids] == [["0.md"], ["1.md"], ["2.md"]]
        assert few.open(ids[2]) is few.open(ids[2])
        assert few.open(ids[0]) is not opened[0]

    @staticmethod
    def engines(tenants: Tenants, platform: Platform, *organisations: str) -> list[sa.Engine]:
        """The databases of these organisations, then the service's own."""
        return [*(tenants.open(each).catalog.engine for each in organisations), platform.catalog.engine]

    @staticmethod
    async def spend(platform: Platform, model: Model) -> None:
        """A call of seven tokens by somebody of the organisation."""
        async with platform.meter.call("somebody", "answer", model, []) as receipt:
            receipt.usage = Usage(input_tokens=7)

    @staticmethod
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("the disk is away")
