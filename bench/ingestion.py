"""Documents and passages per second of ingesting the sample corpus: `python bench/ingestion.py [PROJECT]`.

Without a generated project to measure, one is made first; its code runs in this environment.

The reference is the same work without storage: read, cut, embed. CPU seconds are counted, all threads together, so
that a busy machine does not blur them; the bound is 100 documents per CPU second. The corpus goes into an empty
database each time, and the quickest of five rounds counts. The last line is wall time through the durable queue, as
uploads over HTTP go: it polls, and keeps its books in a database of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path


def new_project() -> Path:
    """A generated project that lasts as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="bench-ingestion-"))
    atexit.register(shutil.rmtree, folder)
    shipfolio = Path(sys.executable).with_name("shipfolio")
    subprocess.run([shipfolio, "new", "rag-platform", folder / "project", "--yes"], check=True, capture_output=True)
    return folder / "project"


PROJECT = Path(sys.argv[1]).resolve() if sys.argv[1:] else new_project()
sys.path.insert(0, str(PROJECT))

from app.bootstrap import Platform, open_platform  # noqa: E402
from app.ingestion.chunking import chunk  # noqa: E402
from app.ingestion.commands import ingest_all  # noqa: E402
from app.ingestion.library import Library  # noqa: E402
from app.ingestion.parsing import parse  # noqa: E402
from app.ingestion.sources import documents_in  # noqa: E402
from app.jobs.queue import JobQueue  # noqa: E402
from app.settings import Settings, StoreSettings  # noqa: E402
from app.stores.catalog import DocumentStatus, document_id  # noqa: E402

SAMPLES = PROJECT / "samples"
ROUNDS = 5
BOUND = 100.0

Work = Callable[[Platform], Awaitable[int]]


def main() -> int:
    """Print each way's rates; exit code 1 under the bound."""
    documents = len(list(documents_in([SAMPLES])))
    reference, passages = quickest(read_and_embed, time.process_time)
    stored, stored_passages = quickest(ingest, time.process_time)
    queued, _ = quickest(through_the_queue, time.perf_counter, rounds=1)
    if passages != stored_passages:
        raise SystemExit(f"{passages} passages were read and {stored_passages} stored")
    print(f"{documents} documents, {passages} passages")
    for name, seconds, unit in (
        ("read, cut, embed", reference, "CPU s"),
        ("app ingest", stored, "CPU s"),
        ("through the queue", queued, "s"),
    ):
        print(f"{name:<20} {documents / seconds:7.1f} documents/{unit:<5} {passages / seconds:8.1f} passages/{unit}")
    print(f"app ingest takes {stored / reference:.2f} times as long as the reference")
    print(f"{documents / stored / BOUND:.2f} of the bound of {BOUND:.0f} documents per CPU second")
    return int(documents / stored < BOUND)


def quickest(work: Work, clock: Callable[[], float], rounds: int = ROUNDS) -> tuple[float, int]:
    """The fewest seconds that `work` took on an empty database, and the passages that it made."""
    results = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="bench-ingestion-") as folder:
            settings = Settings(
                store=StoreSettings(url=f"sqlite:///{folder}/app.db"),
                prompts_dir=PROJECT / "prompts",
            )
            with open_platform(settings) as platform:
                started = clock()
                passages = asyncio.run(work(platform))  # type: ignore[arg-type]
                results.append((clock() - started, passages))
    return min(results)


async def read_and_embed(platform: Platform) -> int:
    """The reference: everything but storage and the search for duplicates."""
    settings = platform.settings.ingestion
    chunks = []
    for name, file in documents_in([SAMPLES]):
        chunks += chunk(parse(name, file.read_bytes(), settings.max_document_bytes), settings)
    await platform.embedder.embed([f"{c.heading}\n{c.text}" for c in chunks], "document")
    return len(chunks)


async def ingest(platform: Platform) -> int:
    """What `app ingest` does."""
    return sum(record.chunks for record in await ingest_all(Library(platform), [SAMPLES]))


async def through_the_queue(platform: Platform) -> int:
    """What uploads over HTTP do."""
    library = Library(platform)
    async with JobQueue(platform.settings.store.url, library.process, library.intake.waiting) as jobs:
        for name, file in documents_in([SAMPLES]):
            library.intake.accept(name, file.read_bytes())
            await asyncio.to_thread(jobs.put, document_id(name))
        while library.intake.waiting():
            await asyncio.sleep(0.02)
    return sum(record.chunks for record in platform.catalog.documents(status=DocumentStatus.READY))


if __name__ == "__main__":
    raise SystemExit(main())
