"""What the catalog promises on every database, as tests. A test module per database says how to open it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from app.errors import NotFound
from app.evals.answers import Answered, AnswerLog
from app.evals.due import IndexEvaluations
from app.evals.records import Source
from app.scopes import Scope
from app.settings import QualitySettings
from app.stores.catalog import Catalog, DocumentStatus, document_id
from app.stores.keys import TRUSTED_SECONDS, Caller, api_keys, hash_key, scopes

READY, QUEUED, FAILED = DocumentStatus.READY, DocumentStatus.QUEUED, DocumentStatus.FAILED


class CatalogContract:
    """Inherit it and define the fixture `url`: an empty database."""

    @pytest.fixture
    def catalog(self, url: str) -> Iterator[Catalog]:
        catalog = Catalog(url)
        yield catalog
        catalog.close()

    def test_a_recorded_document_is_known_by_name_and_id(self, catalog: Catalog) -> None:
        recorded = catalog.record("hr/ünïcode.md", "0" * 64, READY, chunks=3)
        assert catalog.known("hr/ünïcode.md") == catalog.document(recorded.id) == recorded
        assert recorded.id == document_id("hr/ünïcode.md")
        assert catalog.known("hr/other.md") is None

    def test_the_time_of_a_record_is_now(self, catalog: Catalog) -> None:
        catalog.record("a.md", "0" * 64, READY)
        assert datetime.now(UTC) - catalog.documents()[0].updated_at < timedelta(minutes=1)

    def test_a_document_has_one_record_that_says_its_latest_state(self, catalog: Catalog) -> None:
        catalog.record("b.md", "1" * 64, QUEUED)
        catalog.record("b.md", "2" * 64, FAILED, reason="It is encrypted.")
        catalog.record("a.md", "3" * 64, READY, chunks=2)
        states = [(d.name, d.sha256[0], d.status, d.reason, d.chunks) for d in catalog.documents()]
        assert states == [("a.md", "3", READY, "", 2), ("b.md", "2", FAILED, "It is encrypted.", 0)]

    def test_a_forgotten_document_is_gone(self, catalog: Catalog) -> None:
        identifier = catalog.record("a.md", "0" * 64, READY).id
        catalog.forget(identifier)
        with pytest.raises(NotFound, match=identifier):
            catalog.document(identifier)

    def test_documents_are_listed_by_status_and_page_by_page(self, catalog: Catalog) -> None:
        for name, status in (("c", READY), ("a", READY), ("b", FAILED), ("d", READY)):
            catalog.record(name, "0" * 64, status)
        assert [d.name for d in catalog.documents(status=READY)] == ["a", "c", "d"]
        assert [d.name for d in catalog.documents(status=READY, limit=2)] == ["a", "c"]
        assert [d.name for d in catalog.documents(after="a", limit=2)] == ["b", "c"]
        assert catalog.documents(status=QUEUED) == []

    def test_a_key_opens_until_it_is_revoked(self, catalog: Catalog) -> None:
        keys = catalog.keys
        secret, other = keys.create("laptop"), keys.create("server")
        assert called(keys.find(secret)) == "laptop"
        assert keys.find("app_wrong") is None
        laptop = keys.records()[0].caller
        keys.revoke(laptop.id)
        assert keys.find(secret) is keys.trusted(secret) is None
        assert called(keys.find(other)) == "server"
        assert [(key.caller.name, key.revoked_at is None) for key in keys.records()] == [
            ("laptop", False),
            ("server", True),
        ]
        with pytest.raises(NotFound, match=laptop.id):
            keys.revoke(laptop.id)

    def test_a_key_may_do_what_its_scopes_say(self, catalog: Catalog) -> None:
        reader = catalog.keys.find(catalog.keys.create("reader", [Scope.FEEDBACK]))
        owner = catalog.keys.find(catalog.keys.create("owner", [Scope.ADMIN]))
        assert reader
        assert owner
        assert [scope for scope in Scope if reader.may(scope)] == [Scope.FEEDBACK]
        assert all(owner.may(scope) for scope in Scope)

    def test_a_key_from_before_there_were_scopes_may_do_everything(self, catalog: Catalog) -> None:
        secret = catalog.keys.create("old", [Scope.FEEDBACK])
        with catalog.engine.begin() as connection:
            connection.execute(scopes.delete())
        old = catalog.keys.find(secret)
        assert old
        assert all(old.may(scope) for scope in Scope)

    def test_a_key_that_another_process_revokes_is_trusted_for_seconds_only(
        self, catalog: Catalog, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret = catalog.keys.create("laptop")
        assert catalog.keys.trusted(secret) is None
        catalog.keys.find(secret)
        with closing(Catalog(url)) as elsewhere:
            elsewhere.keys.revoke(catalog.keys.records()[0].caller.id)
        assert called(catalog.keys.trusted(secret)) == "laptop"
        later = time.monotonic() + TRUSTED_SECONDS
        monkeypatch.setattr("app.stores.keys.time.monotonic", lambda: later)
        assert catalog.keys.trusted(secret) is None
        assert catalog.keys.find(secret) is None

    def test_a_key_is_not_stored(self, catalog: Catalog) -> None:
        secret = catalog.keys.create("laptop")
        with catalog.engine.connect() as connection:
            rows = connection.execute(api_keys.select()).all()
        assert secret not in repr(rows)
        assert hash_key(secret) in repr(rows)

    def test_feedback_is_kept(self, catalog: Catalog) -> None:
        catalog.add_feedback("0" * 32, 1, "Right, and fast. 👍")
        catalog.add_feedback("0" * 32, -1, "")
        catalog.ping()

    def test_answers_in_use_are_read_back_with_their_scores_and_judgements(self, catalog: Catalog) -> None:
        log = AnswerLog(catalog.engine, QualitySettings.model_validate({"content": True}))
        trace, sources = "a" * 32, (Source("a.md", "A", "It is so. 👍"),)
        for number in range(3):
            answered = Answered(trace, f"answer@{number}", "m", "Why?", "So. [1]", sources)
            log.add_score(log.add(answered, "1/now", {"answered": number / 2}), "judged", 0.5)
        log.add(Answered("b" * 32, "answer@0", "m", "", "", ()), "1/now", {})
        catalog.add_feedback(trace, 1, "")
        catalog.add_feedback(trace, -1, "No.")
        assert [s.score for s in log.latest("answered", 2)] == [0.5, 1.0]
        assert log.metrics() == ["answered", "judged"]
        (said,) = log.judgements(trace="aaaa")
        assert (said.comment, said.prompt, said.sources) == ("No.", "answer@2", sources)
        assert said.scores == {"answered": 1.0, "judged": 0.5}
        assert log.thumbs() == {-1: 1}
        evaluations = IndexEvaluations(catalog)
        catalog.record("a.md", "0" * 64, READY)
        assert evaluations.due()
        evaluations.note(catalog.version())
        assert not evaluations.due()

    def test_what_one_process_writes_another_reads(self, catalog: Catalog, url: str) -> None:
        other = Catalog(url)
        other.record("a.md", "0" * 64, READY)
        other.close()
        assert catalog.known("a.md")

    def test_several_may_create_the_tables_at_once(self, url: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            opened = list(pool.map(lambda _: Catalog(url), range(8)))
        for catalog in opened:
            assert catalog.documents() == []
            catalog.close()

    def test_several_may_record_one_document_at_once(self, catalog: Catalog) -> None:
        names = [f"{number:03}.md" for number in range(100)]
        of_all = [name for name in names for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: catalog.record(name, "0" * 64, READY), of_all))
        assert [document.name for document in catalog.documents()] == names


def called(caller: Caller | None) -> str | None:
    """The caller's name, if there is one."""
    return caller.name if caller else None
