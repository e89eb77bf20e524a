"""The models that need no key: deterministic, and no cleverer than they claim."""

import asyncio

import numpy as np

from app.llm.embedding import OfflineEmbedder
from app.llm.offline import extract

PROMPT = """
<passage id="1" document="hr/leave.md" section="Leave">
Up to five unused days move into the next year.
They expire on 31 March.
</passage>
<passage id="2" document="it/vpn.md" section="VPN">
| Country | Speed |
| Norway | 40 &lt; 50 Mbit |
</passage>
<question>{question}</question>
"""


def embed(*texts: str) -> np.ndarray:
    return asyncio.run(OfflineEmbedder(256).embed(texts, "document"))


def test_vectors_have_the_promised_shape_and_length() -> None:
    vectors = embed("lockers open", "doors close")
    assert vectors.shape == (2, 256)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_the_same_text_gives_the_same_vector_and_related_words_are_nearer() -> None:
    first, again, near, far = embed("parcel locker", "parcel locker", "the lockers of a parcel", "holiday pay")
    np.testing.assert_array_equal(first, again)
    assert first @ near > 0.7 > 0.2 > first @ far


def test_a_text_without_words_is_the_zero_vector() -> None:
    assert not embed("… !").any()


def test_the_sentence_that_shares_the_questions_words_is_copied_with_its_number() -> None:
    question = "How many unused days move to next year?"
    assert extract(PROMPT.format(question=question)) == ["Up to five unused days move into the next year. [1]"]


def test_table_rows_become_readable_and_escapes_are_undone() -> None:
    assert extract(PROMPT.format(question="VPN speed in Norway?"))[-1] == "Norway, 40 < 50 Mbit [2]"


def test_emphasis_marks_go_and_names_with_underscores_stay() -> None:
    passage = '<passage id="1" document="a.md" section="A">- **Event** `parcel.too_warm` is *sent* by _post.</passage>'
    sent = "Event parcel.too_warm is sent by _post. [1]"
    assert extract(passage + "<question>Which event is sent?</question>") == [sent]


def test_a_question_that_shares_no_word_gets_no_sentence() -> None:
    assert extract(PROMPT.format(question="Who founded Rome?")) == []


def test_a_prompt_without_passages_gets_no_sentence() -> None:
    assert extract("<question>anything</question>") == []
