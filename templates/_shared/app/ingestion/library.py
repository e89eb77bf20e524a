"""The library of documents: adding is idempotent, a changed document replaces its passages at once."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import structlog
from anyio import to_thread
from numpy.typing import NDArray
from pydantic_ai.exceptions import ModelAPIError

from app.bootstrap import Platform
from app.errors import ModelUnavailable, UnreadableDocument
from app.ingestion.chunking import chunk
from app.ingestion.fingerprints import Fingerprint, Fingerprints, fingerprint
from app.ingestion.intake import Intake
from app.ingestion.parsing import parse
from app.stores.catalog import DocumentRecord, DocumentStatus, document_id
from app.stores.ports import Chunk

MAX_ATTEMPTS = 5
EMPTY = np.empty((0, 0), dtype=np.float32)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it came: its name and its bytes."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """The hash of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that was read and is not yet stored; a refused one has a reason and no fingerprint."""

    name: str
    sha256: str
    chunks: Sequence[Chunk] = ()
    fingerprint: Fingerprint | None = None
    reason: str = ""


class Library:
    """Adds, lists and removes documents; the catalog says what is known, the index holds the passages."""

    def __init__(self, platform: Platform) -> None:
        self.intake = Intake(platform.catalog.engine)
        self.catalog = platform.catalog
        self._fingerprints = Fingerprints(platform.catalog.engine)
        self._index = platform.index
        self._embedder = platform.embedder
        self._counter = platform.telemetry.documents
        self._seconds = platform.telemetry.ingestion_seconds
        self._settings = platform.settings.ingestion
        self.max_bytes = self._settings.max_document_bytes

    async def add(self, name: str, data: bytes) -> DocumentRecord:
        """Add one document; see `add_batch`."""
        (record,) = await self.add_batch([Source(name, data)])
        return record

    async def add_batch(self, sources: Sequence[Source]) -> list[DocumentRecord]:
        """Read, cut, embed and store documents, with as few model calls as they allow; unchanged ones are left alone.

        Each result is READY, perhaps with a remark, or FAILED with the reason; a failed document has no passages.

        Raises:
            ModelUnavailable: the embedding model did not answer; nothing of this batch was stored.
        """
        known = await to_thread.run_sync(self._current, sources)
        fresh = [source for source in sources if source.name not in known]
        records = await self._work(fresh)
        await to_thread.run_sync(self.catalog.save, records)
        stored = {record.name: record for record in records}
        return [(known | stored)[source.name] for source in sources]

    async def process(self, identifier: str) -> None:
        """Add the document whose bytes wait in the intake; called by a worker, again after a failure.

        Raises:
            Exception: whatever went wrong, for another attempt; the last one stores a failed document instead.
        """
        upload = await to_thread.run_sync(self.intake.take, identifier)
        if upload is None:
            return
        try:
            if upload.attempts > MAX_ATTEMPTS:
                raise RuntimeError("the process ended each time it worked on this document")
            records = await self._work([Source(upload.name, upload.data)])
        except Exception as error:
            if upload.attempts < MAX_ATTEMPTS:
                raise
            log.exception("document given up", document=upload.name, attempts=upload.attempts)
            cause = str(error) if isinstance(error, ModelUnavailable) else "The service failed; its log says why."
            draft = Draft(upload.name, upload.sha256, reason=f"{cause} Send it again.")
            records = await to_thread.run_sync(self._store, [draft], [EMPTY])
            self._counter.add(1, {"outcome": "failed"})
        for record in records:
            if not await to_thread.run_sync(self.intake.settle, record):
                await to_thread.run_sync(self._erase, record.name)

    def passages(self, identifier: str) -> list[Chunk]:
        """A document as the search sees it, in reading order.

        Raises:
            NotFound: no such document.
        """
        return self._index.passages(self.catalog.document(identifier).name)

    async def remove(self, identifier: str) -> None:
        """Forget a document and its passages. Passages go first: killed in between, it can be removed again.

        Raises:
            NotFound: no such document.
        """
        record = await to_thread.run_sync(self.catalog.document, identifier)
        await to_thread.run_sync(self._erase, record.name)
        await to_thread.run_sync(self.intake.forget, identifier)
        await to_thread.run_sync(self._erase, record.name)  # what a worker stored meanwhile

    async def _work(self, sources: Sequence[Source]) -> list[DocumentRecord]:
        started = time.perf_counter()
        drafts = await to_thread.run_sync(lambda: [self._read(source) for source in sources])
        texts = [f"{c.heading}\n{c.text}" for draft in drafts for c in draft.chunks]
        try:
            vectors = await self._embedder.embed(texts, "document") if texts else EMPTY
        except ModelAPIError as error:
            raise ModelUnavailable(f"The embedding model did not answer: {error}.", "Try again in a moment.") from error
        ends = np.cumsum([len(draft.chunks) for draft in drafts])
        parts = np.split(vectors, ends[:-1]) if drafts else []
        records = await to_thread.run_sync(self._store, drafts, parts)
        for record in records:
            self._seconds.record((time.perf_counter() - started) / len(records))
            self._counter.add(1, {"outcome": record.status.value})
        return records

    def _current(self, sources: Sequence[Source]) -> dict[str, DocumentRecord]:
        """The records of those sources that are in the library as they are."""
        known = ((source, self.catalog.known(source.name)) for source in sources)
        return {
            source.name: record
            for source, record in known
            if record and record.status is DocumentStatus.READY and record.sha256 == source.sha256
        }

    def _read(self, source: Source) -> Draft:
        try:
            document = parse(source.name, source.data, self.max_bytes)
        except UnreadableDocument as error:
            return Draft(source.name, source.sha256, reason=str(error))
        chunks = chunk(document, self._settings)
        return Draft(source.name, source.sha256, chunks, fingerprint(source.sha256, document.text))

    def _store(self, drafts: Sequence[Draft], vectors: Sequence[NDArray[np.float32]]) -> list[DocumentRecord]:
        """Store the passages of drafts, or find out why there are none; the records are the caller's to keep."""
        twins = self._fingerprints.claim({draft.name: draft.fingerprint for draft in drafts if draft.fingerprint})
        records = []
        for draft, part in zip(drafts, vectors, strict=True):
            twin = twins.get(draft.name)
            ready = draft.fingerprint is not None and not (twin and twin.same)
            if ready:
                self._index.upsert(draft.name, draft.chunks, part)
            else:
                self._erase(draft.name)
            reason = twin.describe(draft.name) if twin else draft.reason
            records.append(_record(draft, DocumentStatus.READY if ready else DocumentStatus.FAILED, reason))
        return records

    def _erase(self, name: str) -> None:
        self._index.delete(name)
        self._fingerprints.forget(document_id(name))


def _record(draft: Draft, status: DocumentStatus, reason: str) -> DocumentRecord:
    chunks = len(draft.chunks) if status is DocumentStatus.READY else 0
    return DocumentRecord(document_id(draft.name), draft.name, draft.sha256, status, reason, chunks, datetime.now(UTC))
