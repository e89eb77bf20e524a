"""The marks of an answer's sources are told from its text."""

import pytest

from app.site.routes import marks


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("Plain.", [("Plain.", "")]),
        ("A. [1] B [12]", [("A. ", ""), ("", "1"), (" B ", ""), ("", "12"), ("", "")]),
        ("[x] [] <b>", [("[x] [] <b>", "")]),
    ],
)
def test_marks_become_numbers(line: str, pieces: list[tuple[str, str]]) -> None:
    assert marks(line) == pieces
