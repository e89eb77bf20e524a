"""Documents in: read once, refused with a reason, found to be twins, replaced, removed, and worked on over HTTP."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from pydantic_ai.exceptions import ModelHTTPError

from app.api.application import create_app
from app.bootstrap import Platform
from app.errors import InvalidInput, ModelUnavailable, NotFound
from app.ingestion.commands import batches, ingest_all
from app.ingestion.fingerprints import Fingerprints, fingerprint, minima, similarity
from app.ingestion.library import MAX_ATTEMPTS, Library, Source
from app.ingestion.sources import SAMPLES
from app.llm.embedding import Kind, OfflineEmbedder
from app.stores.catalog import DocumentRecord, DocumentStatus, document_id
from tests.integration.uploads import settled, upload

READY, FAILED, QUEUED = DocumentStatus.READY, DocumentStatus.FAILED, DocumentStatus.QUEUED
LEAVE = b"# Leave\n\n## Carry over\n\nUp to five unused days move into the next year.\n"
VPN = b"# VPN\n\nUse the VPN in every hotel.\n"
WORDS = [f"{start}{end}" for start in ("al", "be", "co", "du", "er", "fo") for end in ("ba", "cki", "don", "gu", "lem")]
TEXT = " ".join(WORDS * 7 + [f"end{n}" for n in range(90)])


def add(platform: Platform, *documents: tuple[str, bytes]) -> list[DocumentRecord]:
    return asyncio.run(Library(platform).add_batch([Source(*document) for document in documents]))


def passages(platform: Platform) -> int:
    return platform.index.word_statistics([]).chunks


class Flaky(OfflineEmbedder):
    """Fails the first `failures` times as a provider does, and notes the size of each call."""

    def __init__(self, failures: int) -> None:
        super().__init__(512)
        self.failures = failures
        self.sizes: list[int] = []

    async def embed(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        self.sizes.append(len(texts))
        self.failures -= 1
        if self.failures >= 0:
            raise ModelHTTPError(503, "flaky")
        return await super().embed(texts, kind)


def test_adding_the_same_bytes_again_changes_nothing(platform: Platform) -> None:
    assert add(platform, ("leave.md", LEAVE)) == add(platform, ("leave.md", LEAVE))


def test_a_batch_is_one_model_call_and_refusals_do_not_stop_the_rest(platform: Platform) -> None:
    embedder = Flaky(0)
    records = add(
        replace(platform, embedder=embedder), ("a.md", LEAVE), ("b.pdf", b"%PDF-"), ("c.md", VPN), ("d.md", b"")
    )
    assert [r.status for r in records] == [READY, FAILED, READY, FAILED]
    assert "'d.md' is empty" in records[3].reason
    assert embedder.sizes == [2]
    assert passages(platform) == 2


def test_a_refused_document_loses_its_passages(platform: Platform) -> None:
    add(platform, ("a.md", LEAVE))
    add(platform, ("a.md", b"\xff"))
    assert passages(platform) == 0


def test_a_failing_embedding_model_is_an_error_with_a_remedy_and_stores_nothing(platform: Platform) -> None:
    with pytest.raises(ModelUnavailable, match=r"did not answer.*Try again"):
        add(replace(platform, embedder=Flaky(1)), ("a.md", LEAVE))
    assert platform.catalog.documents() == []


@pytest.mark.parametrize(
    "twin",
    [("b.md", LEAVE), ("b.txt", LEAVE), ("b.md", LEAVE.replace(b"\n", b"\r\n")), ("b.md", LEAVE + b"<!-- x -->")],
)
def test_a_duplicate_is_refused_and_named(platform: Platform, twin: tuple[str, bytes]) -> None:
    (first,), (second,) = add(platform, ("a.md", LEAVE)), add(platform, twin)
    assert (first.status, second.status) == (READY, FAILED)
    assert second.reason.startswith(f"{twin[0]!r} is a duplicate of 'a.md'.")
    assert passages(platform) == 1


def test_duplicates_are_found_within_a_batch(platform: Platform) -> None:
    assert [r.status for r in add(platform, ("a.md", LEAVE), ("b.md", LEAVE))] == [READY, FAILED]


def test_what_a_removed_or_changed_document_said_may_be_said_again(platform: Platform) -> None:
    (record,) = add(platform, ("a.md", LEAVE))
    asyncio.run(Library(platform).remove(record.id))
    assert add(platform, ("b.md", LEAVE))[0].status is READY
    add(platform, ("b.md", VPN))
    assert add(platform, ("c.md", LEAVE))[0].status is READY


def test_a_near_duplicate_is_ready_with_a_remark(platform: Platform) -> None:
    add(platform, ("old.md", TEXT.encode()))
    (record,) = add(platform, ("new.md", TEXT.replace("end9 ", "another ").encode()))
    assert record.status is READY
    assert "% the same as 'old.md'" in record.reason
    (other,) = add(platform, ("other.md", " ".join(reversed(TEXT.split())).encode()))
    assert other.reason == ""


def test_of_duplicates_that_are_claimed_at_once_one_wins(platform: Platform) -> None:
    fingerprints = Fingerprints(platform.catalog.engine)
    names = [f"{n}.md" for n in range(8)]
    for name in names:
        platform.catalog.record(name, "0" * 64, DocumentStatus.PROCESSING)
    with ThreadPoolExecutor(8) as pool:
        twins = list(pool.map(lambda name: fingerprints.claim({name: fingerprint(name, TEXT)}).get(name), names))
    assert sum(not (twin and twin.same) for twin in twins) == 1


def test_minima_estimate_the_similarity() -> None:
    words = [f"w{n}" for n in range(1000)]
    pairs = set(pairwise(words))
    for kept in (950, 800, 500):
        other = words[:kept] + [f"x{n}" for n in range(1000 - kept)]
        others = set(pairwise(other))
        exact = len(pairs & others) / len(pairs | others)
        assert similarity(minima(words), minima(other)) == pytest.approx(exact, abs=0.18)  # three standard errors
    assert similarity(minima(words), minima(words)) == 1.0


def test_the_sample_corpus_has_near_duplicates_and_no_duplicates(platform: Platform) -> None:
    records = asyncio.run(ingest_all(Library(platform), [SAMPLES]))
    assert {record.status for record in records} == {READY}
    remarks = {record.name: record.reason for record in records if record.reason}
    assert remarks.keys() == {"hardware/site-survey.md"}
    assert "the same as 'hardware/site-survey-cold.md'" in remarks["hardware/site-survey.md"]


def test_files_are_read_in_batches_that_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ingestion.commands.BATCH_DOCUMENTS", 3)
    monkeypatch.setattr("app.ingestion.commands.BATCH_BYTES", 100)
    files = []
    for n, size in enumerate([10, 10, 10, 10, 60, 60, 500]):
        (tmp_path / str(n)).write_bytes(bytes(size))
        files.append((str(n), tmp_path / str(n)))
    assert [[len(s.data) for s in batch] for batch in batches(files, 200)] == [[10, 10, 10], [10, 60], [60], [201]]
    with pytest.raises(InvalidInput, match="cannot be read"):
        list(batches([("x", tmp_path / "nowhere")], 200))


def test_a_long_run_without_a_space_is_cut_in_reasonable_time(platform: Platform) -> None:
    started = time.process_time()
    assert add(platform, ("run.txt", b"a" * 1_000_000))[0].status is READY
    assert time.process_time() - started < 20


def test_a_failing_document_is_taken_up_until_the_last_attempt(platform: Platform) -> None:
    library = Library(replace(platform, embedder=Flaky(100)))
    library.intake.accept("a.md", LEAVE)
    (identifier,) = library.intake.waiting()
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(ModelUnavailable):
            asyncio.run(library.process(identifier))
        assert library.catalog.document(identifier).status is DocumentStatus.PROCESSING
        assert library.intake.attempts([identifier]) == {identifier: attempt}
    asyncio.run(library.process(identifier))
    record = library.catalog.document(identifier)
    assert record.status is FAILED
    assert "embedding model did not answer" in record.reason
    assert library.intake.waiting() == []


def test_a_document_whose_processes_die_is_given_up(platform: Platform) -> None:
    library = Library(platform)
    library.intake.accept("a.md", LEAVE)
    for _ in range(MAX_ATTEMPTS):
        library.intake.take(document_id("a.md"))
    asyncio.run(library.process(document_id("a.md")))
    assert library.catalog.document(document_id("a.md")).status is FAILED
    assert passages(platform) == 0


def test_a_newer_upload_wins_over_the_one_at_work(platform: Platform) -> None:
    library = Library(platform)
    library.intake.accept("a.md", LEAVE)
    work = library._embedder.embed

    async def embed(texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        library.intake.accept("a.md", VPN)
        return await work(texts, kind)

    library._embedder = replace_embed(embed)
    asyncio.run(library.process(document_id("a.md")))
    assert library.catalog.document(document_id("a.md")).status is QUEUED
    asyncio.run(Library(platform).process(document_id("a.md")))
    assert library.catalog.document(document_id("a.md")).status is READY
    assert platform.index.word_statistics(["vpn", "leav"]).frequency == {"vpn": 1}


def test_a_document_removed_while_at_work_stays_away(platform: Platform) -> None:
    library = Library(platform)
    library.intake.accept("a.md", LEAVE)
    work = library._embedder.embed

    async def embed(texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        await Library(platform).remove(document_id("a.md"))
        return await work(texts, kind)

    library._embedder = replace_embed(embed)
    asyncio.run(library.process(document_id("a.md")))
    assert passages(platform) == 0
    with pytest.raises(NotFound):
        library.catalog.document(document_id("a.md"))


def replace_embed(embed: object) -> OfflineEmbedder:
    """An embedder with this method."""
    embedder = OfflineEmbedder(512)
    embedder.embed = embed  # type: ignore[method-assign,assignment]
    return embedder


def test_bytes_wait_in_the_database_until_they_are_read(platform: Platform) -> None:
    intake = Library(platform).intake
    assert intake.accept("a.md", LEAVE)
    assert intake.accept("a.md", LEAVE)
    assert intake.waiting() == [document_id("a.md")]
    asyncio.run(Library(platform).process(document_id("a.md")))
    assert intake.waiting() == []
    assert not intake.accept("a.md", LEAVE)
    assert intake.take(document_id("a.md")) is None


def test_an_uploaded_document_becomes_ready_and_is_cited(client: TestClient) -> None:
    state = upload(client, "leave.md", LEAVE)
    assert (state["status"], state["chunks"], state["attempts"]) == ("ready", 1, 1)
    answer = client.post("/v1/ask", json={"question": "How many unused leave days move into the next year?"}).json()
    assert answer["answer"] == "Up to five unused days move into the next year. [1]"
    assert answer["citations"][0]["document"] == "leave.md"
    assert answer["citations"][0]["locator"] == "Leave > Carry over"


def test_a_failing_upload_is_tried_again(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = replace(platform, embedder=Flaky(1))
    key = platform.settings.api.page_key
    assert key
    with TestClient(create_app(flaky), headers={"Authorization": f"Bearer {key.get_secret_value()}"}) as client:
        state = upload(client, "leave.md", LEAVE)
    assert (state["status"], state["attempts"]) == ("ready", 2)


def test_uploads_are_refused_listed_and_deleted(client: TestClient) -> None:
    assert "not UTF-8" in upload(client, "b.md", b"\xff\xfe broken")["reason"]
    files = [("file", ("c.md", VPN)), ("file", ("a.md", LEAVE))]
    states = client.post("/v1/documents/batch", files=files).json()
    assert [state["name"] for state in states] == ["c.md", "a.md"]
    assert [settled(client, state["status_url"])["status"] for state in states] == ["ready", "ready"]

    def names(query: str) -> list[str]:
        return [state["name"] for state in client.get(f"/v1/documents{query}").json()]

    assert names("") == ["a.md", "b.md", "c.md"]
    assert names("?status=failed") == ["b.md"]
    assert names("?limit=2") == ["a.md", "b.md"]
    assert names("?limit=2&after=b.md") == ["c.md"]
    assert client.get("/v1/documents?status=lost").status_code == 422
    assert client.delete(states[0]["status_url"]).status_code == 204
    assert client.get(states[0]["status_url"]).status_code == 404
    assert names("") == ["a.md", "b.md"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("", {"json": {"name": "../a.md", "text": "x"}}),
        ("", {"json": {"name": "a.md"}}),
        ("", {"content": b"not json"}),
        ("", {"files": {"other": ("a.md", b"x")}}),
        ("", {"files": [("file", ("a.md", b"x")), ("file", ("b.md", b"x"))]}),
        ("", {"files": {"file": ("..\\a.md", b"x")}}),
        ("/batch", {"json": {"name": "a.md", "text": "x"}}),
        ("/batch", {"files": [("file", ("a.md", b"x")), ("file", ("../b.md", b"x"))]}),
    ],
)
def test_wrong_bodies_are_problems_and_store_nothing(client: TestClient, path: str, content: dict[str, object]) -> None:
    response = client.post(f"/v1/documents{path}", **content)  # type: ignore[arg-type]
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/documents").json() == []
