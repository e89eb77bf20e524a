"""What every search index promises, as tests. A test module per database inherits them and says how to open one."""

import asyncio
import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import numpy as np
import pytest
from numpy.typing import NDArray

from app.errors import ConfigurationError
from app.language import stems
from app.llm.embedding import OfflineEmbedder
from app.stores.ports import Chunk, SearchIndex, WordStatistics

DIMENSIONS = 64
TAGS = (("folder", 'ünïcode "/" \\ %s'), ("topic", "a"), ("topic", "b"))
LONG_WORD = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(100))

CORPUS = {
    "hr/leave.md": [
        ("Leave > Carry over", "Up to five unused leave days are carried over into the next year."),
        ("Leave > Sick leave", "Bring a sick note from the doctor on the fourth day."),
        ("Leave > Sick leave", "Sick days are no leave days: sick leave that falls into leave is given back."),
    ],
    "hr/first-week.txt": [
        ("lines 1-4", "On the first day you get a laptop, a key and a mentor."),
        ("lines 6-9", "In the first week you take the security training; the test needs 80 percent."),
    ],
    "engineering/on-call.md": [
        ("On call > Pages", "Acknowledge a page within 5 minutes, by day and by night."),
        ("On call > Rest", "After a night with a page longer than an hour, 11 hours of rest follow."),
    ],
    "hardware/fault-codes.txt": [
        ("lines 1-2", "F72: the door does not lock. Order part K4-118, then page the on-call engineer."),
        ("lines 3-3", "F73: the bank is offline for more than a day."),
    ],
}
QUESTIONS = [
    "How many leave days are carried over into the next year?",
    "What does fault code F72 mean?",
    "sick leave",
    "Who is paged when the door does not lock?",
    "first day",
    "hours of rest after a page at night",
    "day",  # in more than half of the passages of this corpus, where a plain idf would be negative
]


class Opener:
    """Opens search indexes on one database and closes them all in the end."""

    def __init__(self, make: Callable[[str, int], SearchIndex], stack: ExitStack) -> None:
        self._make = make
        self._stack = stack

    def __call__(self, embedding: str = "offline", dimensions: int = DIMENSIONS) -> SearchIndex:
        return self._stack.enter_context(closing(self._make(embedding, dimensions)))


class SearchIndexContract:
    """Inherit it and define the fixture `make_index`: (embedding, dimensions) to an index, always on one database."""

    average_length: float | None = None  # of a passage, in words; None: that of the corpus

    def idf(self, chunks: int, n: int) -> float:
        """The weight of a word in `n` of `chunks` passages, as SQLite's bm25() computes it."""
        return max(math.log((chunks - n + 0.5) / (n + 0.5)), 1e-6)

    @pytest.fixture
    def open_index(self, make_index: Callable[[str, int], SearchIndex]) -> Iterator[Opener]:
        with ExitStack() as stack:
            yield Opener(make_index, stack)

    @pytest.fixture
    def index(self, open_index: Opener) -> SearchIndex:
        return open_index()

    @pytest.fixture
    def filled(self, index: SearchIndex) -> SearchIndex:
        for document, passages in CORPUS.items():
            store(index, document, passages)
        return index

    def test_an_empty_index_finds_nothing(self, index: SearchIndex) -> None:
        assert index.search_words(["leav"], 5) == []
        assert index.search_vector(embed(["leave"])[0], 5) == []
        assert index.word_statistics(["leav"]) == WordStatistics(0, {})
        index.ping()

    def test_a_passage_comes_back_as_it_was_stored(self, index: SearchIndex) -> None:
        chunk = Chunk("ünïcode/名前.md", 3, 'It\'s "quoted" \\ 100 % {x} %s\n\näöü 名前 🙂', "A > B", 17, TAGS)
        index.upsert(chunk.document, [chunk], embed([chunk.text]))
        assert [hit.chunk for hit in index.search_words(stems("quoted"), 5)] == [chunk]
        assert [hit.chunk for hit in index.search_vector(embed([chunk.text])[0], 5)] == [chunk]

    def test_a_document_is_read_in_the_order_of_its_passages(self, filled: SearchIndex) -> None:
        chunks = [Chunk("long.md", n, f"Part {n} of the story.", f"Part {n}", n, TAGS) for n in range(300)]
        filled.upsert("long.md", chunks[::-1], embed([chunk.text for chunk in chunks[::-1]]))
        assert filled.passages("long.md") == chunks
        assert filled.passages("unheard-of.md") == []

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_words_rank_by_bm25(self, filled: SearchIndex, question: str) -> None:
        expected = bm25(stems(question), self.idf, self.average_length)
        hits = filled.search_words(stems(question), 5)
        assert [hit.score for hit in hits] == pytest.approx(sorted(expected.values(), reverse=True)[:5], rel=1e-5)
        assert [hit.score for hit in hits] == pytest.approx([expected[hit.chunk] for hit in hits], rel=1e-5)

    def test_equally_good_passages_come_oldest_first(self, index: SearchIndex) -> None:
        for document in ("z", "b", "c"):
            store(index, document, [("top", "Ask the robot."), ("top", "Ask the robot.")])
        expected = [(document, n) for document in ("z", "b", "c") for n in range(2)]
        hits = index.search_words(["robot"], 9)
        assert [(hit.chunk.document, hit.chunk.position) for hit in hits] == expected
        hits = index.search_vector(embed(["robot"])[0], 9)
        assert [(hit.chunk.document, hit.chunk.position) for hit in hits] == expected

    def test_a_repeated_word_counts_once(self, filled: SearchIndex) -> None:
        assert filled.search_words(["sick", "leav", "sick"], 9) == filled.search_words(["sick", "leav"], 9)

    def test_a_word_in_the_heading_counts_less_than_in_the_text(self, index: SearchIndex) -> None:
        store(index, "a", [("boiler", "pump valve"), ("valve", "pump boiler"), ("other", "pump valve")])
        assert [hit.chunk.position for hit in index.search_words(["boiler"], 5)] == [1, 0]

    @pytest.mark.parametrize("words", [["or"], ["not", "near"], ["unheardof"], []])
    def test_unknown_words_find_nothing(self, filled: SearchIndex, words: list[str]) -> None:
        assert filled.search_words(words, 5) == []

    def test_a_very_long_word_is_found_and_counted(self, index: SearchIndex) -> None:
        store(index, "long", [("top", LONG_WORD)])
        (word,) = stems(LONG_WORD)
        assert len(index.search_words([word], 5)) == 1
        assert index.word_statistics([word]).frequency == {word: 1}

    @pytest.mark.parametrize("limit", [1, 3, 500])
    def test_a_search_returns_at_most_the_limit(self, filled: SearchIndex, limit: int) -> None:
        assert len(filled.search_words(["day"], limit)) == min(limit, 6)
        assert len(filled.search_vector(embed(["day"])[0], limit)) == min(limit, 9)

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_vectors_rank_by_cosine(self, filled: SearchIndex, question: str) -> None:
        vector = embed([question])[0]
        cosines = sorted((float(v @ vector) for v in embed([c.text for c in all_chunks()])), reverse=True)
        hits = filled.search_vector(vector, 5)
        assert [hit.score for hit in hits] == pytest.approx(cosines[:5], abs=1e-5)
        assert [float(embed([hit.chunk.text])[0] @ vector) for hit in hits] == pytest.approx(cosines[:5], abs=1e-5)

    def test_a_filter_keeps_the_passages_with_every_tag(self, filled: SearchIndex) -> None:
        question = "Who is paged when the door does not lock on a leave day?"
        words, vector = stems(question), embed([question])[0]
        for where in ({"folder": "hr"}, {"folder": "hr", "format": "md"}, {"format": "md"}, {}):
            tags = set(where.items())
            by_words = [hit for hit in filled.search_words(words, 9) if tags <= set(hit.chunk.tags)]
            by_vector = [hit for hit in filled.search_vector(vector, 9) if tags <= set(hit.chunk.tags)]
            assert filled.search_words(words, 2, where) == by_words[:2]
            assert filled.search_vector(vector, 2, where) == by_vector[:2]
            assert len(by_vector) > 2

    @pytest.mark.parametrize("where", [{"folder": "h"}, {"older": "hr"}, {"hr": "folder"}, {"folder": "hr", "a": "b"}])
    def test_a_tag_that_no_passage_carries_finds_nothing(self, filled: SearchIndex, where: dict[str, str]) -> None:
        assert filled.search_words(["day"], 9, where) == []
        assert filled.search_vector(embed(["day"])[0], 9, where) == []

    @pytest.mark.parametrize("tag", TAGS)
    def test_a_tag_may_hold_anything_and_a_name_several_values(self, index: SearchIndex, tag: tuple[str, str]) -> None:
        index.upsert("a", [Chunk("a", 0, "robot", "top", tags=TAGS)], embed(["robot"]))
        assert len(index.search_words(["robot"], 5, dict([tag]))) == 1
        assert len(index.search_vector(embed(["robot"])[0], 5, dict([tag]))) == 1

    def test_a_passage_or_question_without_words_does_no_harm(self, filled: SearchIndex) -> None:
        store(filled, "dots", [("", "...")])
        scores = [hit.score for hit in filled.search_vector(embed(["sick leave"])[0], 20)]
        assert len(scores) == 10
        assert not any(math.isnan(score) for score in scores)
        assert {hit.score for hit in filled.search_vector(np.zeros(DIMENSIONS, np.float32), 20)} == {0.0}

    def test_statistics_count_passages(self, filled: SearchIndex) -> None:
        words = [*stems("leave F72 unheardof"), "leav"]
        assert filled.word_statistics(words) == WordStatistics(9, {"leav": 3, "f72": 1})
        assert filled.word_statistics([]) == WordStatistics(9, {})

    def test_a_document_is_replaced_as_a_whole(self, filled: SearchIndex) -> None:
        store(filled, "hr/leave.md", [("New", "Ask the robot.")])
        assert [hit.chunk.locator for hit in filled.search_words(["robot"], 5)] == ["New"]
        assert filled.word_statistics(["sick", "carri"]) == WordStatistics(7, {})
        assert len(filled.search_vector(embed(["sick leave"])[0], 20)) == 7

    def test_a_document_may_be_left_without_passages(self, filled: SearchIndex) -> None:
        store(filled, "hr/leave.md", [])
        assert filled.word_statistics([]).chunks == 6

    def test_a_deleted_document_is_gone(self, filled: SearchIndex) -> None:
        filled.delete("hr/leave.md")
        filled.delete("never/heard-of.md")
        assert filled.search_words(["sick"], 5) == []
        assert filled.word_statistics(["sick"]) == WordStatistics(6, {})

    def test_a_failed_replacement_leaves_the_old_passages(self, filled: SearchIndex) -> None:
        chunks = [Chunk("hr/leave.md", n, "new words", "New") for n in range(3)]
        with pytest.raises(ValueError, match="shorter"):
            filled.upsert("hr/leave.md", chunks, embed(["new words"] * 2))
        assert filled.search_words(["new"], 5) == []
        assert filled.word_statistics(["leav"]) == WordStatistics(9, {"leav": 3})

    def test_what_one_process_writes_another_finds(self, open_index: Opener) -> None:
        writer, reader = open_index(), open_index()
        assert reader.search_vector(embed(["robot"])[0], 5) == []
        store(writer, "new.md", [("New", "Ask the robot.")])
        assert len(reader.search_words(["robot"], 5)) == 1
        assert len(reader.search_vector(embed(["robot"])[0], 5)) == 1

    def test_a_reader_follows_every_change(self, open_index: Opener) -> None:
        writer, reader = open_index(), open_index()

        def found() -> set[str]:
            return {hit.chunk.text for hit in reader.search_vector(embed(["robot"])[0], 9)}

        store(writer, "a.md", [("A", "First robot."), ("A", "Second robot.")])
        assert found() == {"First robot.", "Second robot."}
        writer.delete("a.md")
        assert found() == set()
        store(writer, "b.md", [("B", "Third robot.")])  # where a database may give freed numbers again
        store(writer, "c.md", [("C", "Fourth robot.")])
        assert found() == {"Third robot.", "Fourth robot."}
        store(writer, "b.md", [("B", "Fifth robot.")])
        assert found() == {"Fourth robot.", "Fifth robot."}

    def test_several_may_create_the_index_at_once(self, open_index: Opener) -> None:
        with ThreadPoolExecutor(8) as pool:
            opened = list(pool.map(lambda _: open_index(), range(8)))
        store(opened[0], "new.md", [("New", "Ask the robot.")])
        assert len(opened[-1].search_words(["robot"], 5)) == 1

    def test_several_may_write_and_search_at_once(self, open_index: Opener) -> None:
        indexes = [open_index(), open_index()]

        def write(n: int) -> None:
            index = indexes[n % 2]
            store(index, "shared.md", [("Shared", f"Version v{n}.")] * (n % 3 + 1))
            store(index, f"own-{n}.md", [("Own", "Ask the robot.")])
            index.search_words(["robot"], 5)
            index.search_vector(embed(["robot"])[0], 5)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, range(24)))
        assert len(indexes[0].search_words(["robot"], 50)) == 24
        versions = {hit.chunk.text for hit in indexes[0].search_words(["share"], 50)}
        assert len(versions) == 1
        (version,) = versions
        assert indexes[1].word_statistics([]).chunks == 24 + int(version[9:-1]) % 3 + 1

    @pytest.mark.parametrize(("embedding", "dimensions"), [("another", DIMENSIONS), ("offline", 128)])
    def test_another_embedding_is_refused(self, open_index: Opener, embedding: str, dimensions: int) -> None:
        open_index()
        with pytest.raises(ConfigurationError, match=r"'offline/64'.*APP_EMBEDDING__MODEL"):
            open_index(embedding, dimensions)

    def test_a_closed_index_is_not_ready(self, index: SearchIndex) -> None:
        index.close()
        with pytest.raises(Exception, match="clos"):
            index.ping()


def store(index: SearchIndex, document: str, passages: Sequence[tuple[str, str]]) -> None:
    """Replace `document` by (locator, text) passages."""
    index.upsert(document, _chunks(document, passages), embed([text for _, text in passages]))


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Offline vectors, shape (len(texts), DIMENSIONS)."""
    return asyncio.run(OfflineEmbedder(DIMENSIONS).embed(texts, "document"))


def all_chunks() -> list[Chunk]:
    """Every passage of the corpus, in the order in which `filled` stores them."""
    return [chunk for document, passages in CORPUS.items() for chunk in _chunks(document, passages)]


def bm25(words: Sequence[str], idf: Callable[[int, int], float], average: float | None) -> dict[Chunk, float]:
    """The formula written out: the score of each passage of the corpus that holds a word."""
    texts = [(stems(chunk.text), stems(chunk.heading)) for chunk in all_chunks()]
    lengths = [len(text) + len(heading) for text, heading in texts]
    average = average or sum(lengths) / len(lengths)
    scores = [0.0] * len(texts)
    for word in dict.fromkeys(words):
        frequencies = [text.count(word) + 0.6 * heading.count(word) for text, heading in texts]
        n = sum(f > 0 for f in frequencies)
        for i, f in enumerate(frequencies):
            scores[i] += idf(len(texts), n) * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * lengths[i] / average))
    return {chunk: score for chunk, score in zip(all_chunks(), scores, strict=True) if score > 0}


def _chunks(document: str, passages: Sequence[tuple[str, str]]) -> list[Chunk]:
    """Each with its document's first folder and format as tags."""
    tags = (("folder", document.partition("/")[0]), ("format", document.rpartition(".")[2]))
    return [Chunk(document, n, text, locator, tags=tags) for n, (locator, text) in enumerate(passages)]
