"""Known answers for the scores of a case, the zero cases among them."""

from datetime import UTC, datetime

import pytest

from app.answering.assistant import Answer, Reply
from app.answering.citations import Citation
from app.answering.scoring import Expected, draft, score
from app.answering.support import score_reply, word_support
from app.evals.answers import Judgement
from app.evals.golden import UNFINISHED
from app.evals.records import Source
from app.llm.usage import Usage
from app.retrieval.retriever import Evidence
from app.stores.ports import Chunk, Hit

POLICY = Chunk("hr/leave.md", 0, "Up to five unused days move into the next year.", "Leave > Carry over")
CANTEEN = Chunk("hr/canteen.md", 0, "Lunch is served from 11:30.", "Lunch")


def reply(text: str, *cited: Chunk, hits: tuple[Chunk, ...] = (POLICY, CANTEEN)) -> Reply:
    """An answer with these passages cited as [1], [2] and so on."""
    citations = [
        Citation(number=n, document=c.document, locator=c.locator, quote=c.text, score=1)
        for n, c in enumerate(cited, start=1)
    ]
    answer = Answer(
        answer=text,
        citations=citations,
        refused=not citations,
        evidence=1,
        usage=Usage(),
        model="test",
        route="",
        offline=False,
        degraded=False,
        cached=False,
        prompt_version="answer@1",
        rewrite=None,
        latency_ms=1,
        trace_id="",
    )
    return Reply(answer, Evidence(tuple(Hit(chunk, 1.0) for chunk in hits), 1.0))


def test_a_perfect_answer_scores_one_wherever_it_can() -> None:
    scores = score(Expected(contains=["five"], documents=["hr/leave.md"]), reply("Five unused days move. [1]", POLICY))
    assert scores.pop("precision@k") == 0.5
    assert set(scores.values()) == {1.0}
    assert len(scores) == 7


def test_a_wrong_refusal_scores_zero_but_keeps_its_retrieval() -> None:
    scores = score(Expected(contains=["five"], documents=["hr/leave.md"]), reply("I don't know."))
    assert (scores["hit@k"], scores["citation_accuracy"], scores["key_phrases"], scores["refusal_correct"]) == (
        1,
        0,
        0,
        0,
    )
    assert "faithfulness_words" not in scores


def test_a_lost_document_scores_zero_in_retrieval() -> None:
    scores = score(
        Expected(contains=["five"], documents=["hr/leave.md"]), reply("Lunch. [1]", CANTEEN, hits=(CANTEEN,))
    )
    assert [scores[m] for m in ("hit@k", "recall@k", "mrr", "precision@k", "citation_accuracy")] == [0] * 5


def test_one_of_two_documents_is_half_the_recall() -> None:
    scores = score(Expected(contains=[], documents=["hr/leave.md", "hr/pay.md"]), reply("Five days. [1]", POLICY))
    assert (scores["hit@k"], scores["recall@k"]) == (1, 0.5)


def test_an_unanswerable_case_has_only_its_refusal() -> None:
    nothing = Expected(contains=[], documents=[])
    assert score(nothing, reply("I don't know.")) == {"refusal_correct": 1}
    assert score(nothing, reply("Five days. [1]", POLICY)) == {"refusal_correct": 0}


@pytest.mark.parametrize(
    ("text", "supported"),
    [
        ("Up to five unused days move into the next year. [1]", 1),
        ("Up to ten unused days move into the next year. [1]", 0),
        ("Lunch is served from 11:30. [1]", 0),
        ("Unused days move. Up to five unused days. [1]", 1),
        ("Unused days move. [1] Nobody proved this sentence.", 0.5),
        ("Unused days move. [7]", 0),
        ("", 0),
    ],
    ids=["copied", "wrong number", "other passage", "shared mark", "unmarked end", "lying mark", "empty"],
)
def test_word_support_of_each_sentence(text: str, supported: float) -> None:
    given = reply(text, POLICY)
    assert word_support(given.answer, given.evidence.hits) == supported


def test_a_citation_of_a_passage_that_was_not_retrieved_supports_nothing() -> None:
    given = reply("Unused days move. [1]", POLICY, hits=(CANTEEN,))
    assert word_support(given.answer, given.evidence.hits) == 0


def test_an_answer_in_use_is_scored_without_knowing_the_right_one() -> None:
    assert score_reply(reply("Unused days move. [1]", POLICY)) == {"answered": 1.0, "faithfulness_words": 1.0}
    assert score_reply(reply("I don't know.")) == {"answered": 0.0}


@pytest.mark.parametrize(
    ("rating", "cited", "documents", "contains", "kind"),
    [
        (1, True, ["hr/leave.md"], [UNFINISHED], UNFINISHED),
        (-1, True, [UNFINISHED], [UNFINISHED], UNFINISHED),
        (1, False, [], [], "unanswerable"),
        (-1, False, [UNFINISHED], [UNFINISHED], UNFINISHED),
    ],
    ids=["a good answer", "a bad answer", "a good refusal", "a wrong refusal"],
)
def test_a_judged_question_becomes_a_case_with_what_is_known(
    rating: int, cited: bool, documents: list[str], contains: list[str], kind: str
) -> None:
    sources = (Source("hr/leave.md", "Leave", "Five days."),) * 2 if cited else ()
    said = Judgement("0" * 32, rating, "", datetime.now(UTC), "answer@1", "m", "i", "How many?", "Five.", sources, {})
    case = draft(said)
    assert case["inputs"] == {"question": "How many?"}
    assert case["expected_output"] == {"contains": contains, "documents": documents}
    assert case["metadata"] == {"kind": kind, "critical": False}
