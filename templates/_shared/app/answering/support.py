"""How much of an answer its cited passages hold: counted by words here, asked of a judge by the rubric."""

from collections.abc import Mapping, Sequence

from app.answering.assistant import Answer, Reply
from app.answering.citations import MARK, Citation, support
from app.evals.answers import Answered
from app.evals.records import Source
from app.language import sentences
from app.stores.ports import Hit

BY_WORDS = "faithfulness_words"
BY_JUDGE = "faithfulness_judge"
RUBRIC = (
    "Every claim of the answer follows from the passages. Score the share of claims that do, from 0 to 1; "
    "an answer that says it does not know claims nothing and scores 1."
)


def score_reply(reply: Reply) -> Mapping[str, float]:
    """What can be said of an answer without knowing the right one: whether there is one, and its support."""
    answered = {"answered": float(not reply.answer.refused)}
    return answered if reply.answer.refused else {**answered, BY_WORDS: word_support(reply.answer, reply.evidence.hits)}


def word_support(answer: Answer, hits: Sequence[Hit]) -> float:
    """The mean, over the answer's sentences, of the share of words and numbers that its cited passages contain.

    A sentence without a mark is held against the marks of the next one that has some. This counts words; it does not
    see a "not" that was left out. 0 for an answer without a sentence.
    """
    passages = {c.number: _passage(c, hits) for c in answer.citations}
    supports: list[float] = []
    waiting: list[str] = []
    for sentence in sentences(answer.answer):
        waiting.append(MARK.sub("", sentence))
        cited = [passages[int(number)] for number in MARK.findall(sentence) if int(number) in passages]
        if cited:
            supports += [max(support(claim, passage) for passage in cited) for claim in waiting]
            waiting.clear()
    supports += [0.0] * len(waiting)
    return sum(supports) / len(supports) if supports else 0.0


def shown_to_judge(reply: Reply) -> dict[str, object]:
    """What a judge reads: the answer, and the passages it was to be made of."""
    return {"answer": reply.answer.answer, "passages": [found.chunk.text for found in reply.evidence.hits]}


def described(question: str, answer: Answer) -> Answered:
    """What is kept of an answer in use; the question is the complete one that was searched for."""
    complete = answer.rewrite.question if answer.rewrite else question
    sources = tuple(Source(c.document, c.locator, c.quote) for c in answer.citations)
    return Answered(answer.trace_id, answer.prompt_version, answer.model, complete, answer.answer, sources)


def _passage(citation: Citation, hits: Sequence[Hit]) -> str:
    """The text of the passage that a citation quotes; empty when it is not among the retrieved ones."""
    place = (citation.document, citation.locator)
    texts = (
        h.chunk.text for h in hits if (h.chunk.document, h.chunk.locator) == place and citation.quote in h.chunk.text
    )
    return next(texts, "")
