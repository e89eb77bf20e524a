"""Fusion by ranks, and the measure of evidence."""

import math

import pytest

from app.errors import ConfigurationError
from app.language import stems
from app.retrieval.coverage import coverage, inverse_document_frequency
from app.retrieval.fusion import fuse
from app.retrieval.reranking import build_reranker
from app.settings import RetrievalSettings
from app.stores.ports import Chunk, Hit, WordStatistics


def hit(document: str, text: str = "") -> Hit:
    return Hit(Chunk(document, 0, text, "top"), 1.0)


def test_a_chunk_found_by_both_searches_wins() -> None:
    fused = fuse([(0.5, [hit("a"), hit("b")]), (0.5, [hit("c"), hit("b")])])
    assert [h.chunk.document for h in fused] == ["b", "a", "c"]
    assert fused[0].score == pytest.approx(0.5 / 62 + 0.5 / 62)


def test_a_search_without_weight_adds_nothing() -> None:
    assert [h.chunk.document for h in fuse([(1.0, [hit("a")]), (0.0, [hit("b")])])] == ["a"]


def test_nothing_found_fuses_to_nothing() -> None:
    assert fuse([(1.0, []), (1.0, [])]) == []


def test_rare_words_weigh_more() -> None:
    statistics = WordStatistics(100, {"common": 90, "rare": 1})
    assert inverse_document_frequency("rare", statistics) > 10 * inverse_document_frequency("common", statistics)
    assert inverse_document_frequency("rare", statistics) == pytest.approx(math.log(1 + 99.5 / 1.5))


def test_coverage_is_full_when_the_passages_hold_every_word_together() -> None:
    statistics = WordStatistics(10, {"leav": 3, "carri": 1})
    assert coverage(["leav", "carri"], [hit("a", "leave"), hit("b", "carry")], statistics) == pytest.approx(1.0)


def test_a_word_that_is_nowhere_pulls_coverage_down() -> None:
    statistics = WordStatistics(1000, {"fault": 400, "code": 400})
    assert coverage(["fault", "code", "f72"], [hit("a", "fault code")], statistics) < 0.3


LAMP = "The lamp of the Skerry lighthouse turns once in twelve seconds."


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        ("How often does the lamp of the Skerry lighthouse turn?", True),
        ("In how many seconds does the lamp turn?", True),
        ("Which lamp do the gardens of Oste have?", False),
        ("Who pays for parental leave?", False),
    ],
)
def test_one_document_is_enough_for_its_own_questions_alone(question: str, answered: bool) -> None:
    words, passage = stems(question), hit("lighthouse.md", LAMP)
    statistics = WordStatistics(1, dict.fromkeys(stems(LAMP), 1))
    assert (coverage(words, [passage], statistics) >= RetrievalSettings().min_evidence) is answered


@pytest.mark.parametrize(("words", "hits"), [([], [hit("a", "text")]), (["text"], [])])
def test_no_words_or_no_passages_cover_nothing(words: list[str], hits: list[Hit]) -> None:
    assert coverage(words, hits, WordStatistics(1, {"text": 1})) == 0.0


def test_coverage_lifts_the_passage_that_holds_the_whole_question() -> None:
    statistics = WordStatistics(100, {"fault": 40, "code": 40, "f72": 1})
    hits = [Hit(Chunk("b", 0, "fault code fault code", "top"), 0.02), Hit(Chunk("c", 0, "fault F72", "top"), 0.019)]
    reranker = build_reranker("coverage")
    assert reranker
    ranked = reranker.rerank("What is fault code F72?", hits, statistics)
    assert [found.chunk.document for found in ranked] == ["c", "b"]
    assert ranked[0].score == pytest.approx(0.95 + coverage(["fault", "code", "f72"], hits[1:], statistics))
    assert reranker.rerank("What is fault code F72?", [], statistics) == []
    assert [found.chunk for found in reranker.rerank("", hits, statistics)] == [found.chunk for found in hits]


def test_without_a_reranker_the_fused_order_stays() -> None:
    assert build_reranker("none") is None


def test_an_unknown_reranker_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"APP_RETRIEVAL__RERANKER='magic'.*`coverage`"):
        build_reranker("magic")
