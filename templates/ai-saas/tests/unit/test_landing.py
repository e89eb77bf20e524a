"""The landing page shows an answer that is true of the sample documents."""

import re

from app.web.pages import WEB
from app.workspace.flavour import chosen


def test_the_words_that_the_example_marks_stand_in_the_document_that_it_names() -> None:
    example = (WEB / "templates" / chosen().name / "example.html").read_text(encoding="utf-8")
    marked, named = re.search(r"<mark>(.+)</mark>", example), re.search(r"</strong> · (\S+) ·", example)
    assert marked
    assert named
    (document,) = chosen().samples.rglob(named[1])
    assert marked[1] in document.read_text(encoding="utf-8")


def test_there_is_something_to_say_on_the_landing_page() -> None:
    assert chosen().questions
    assert len(chosen().offers) >= 3
