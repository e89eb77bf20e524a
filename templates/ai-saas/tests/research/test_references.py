"""References are read from front matter and written so that no text of a document becomes TeX."""

import pytest

from app.research.references import Reference, bibliography, reference

PAPER = Reference("a/b.md", "Shade & heat", ("Adaeze Okafor", "Jörg Müller"), "2024", "Journal of Shade")


def test_front_matter_becomes_a_reference() -> None:
    tags = {"title": "Shade", "authors": "Adaeze Okafor; Liu Wen ;", "year": "2024", "venue": "Journal", "folder": "a"}
    assert reference("a.md", tags) == Reference("a.md", "Shade", ("Adaeze Okafor", "Liu Wen"), "2024", "Journal")


def test_a_document_that_says_nothing_of_itself_is_called_by_its_name() -> None:
    unknown = reference("notes/a.txt", {"folder": "notes"})
    assert unknown.line == "Anonymous (no year). notes/a.txt."
    assert unknown.key == "anonymousnotes"


def test_an_entry_holds_what_is_known() -> None:
    assert PAPER.bibtex(PAPER.key) == (
        "@article{okafor2024shade,\n  title = {{Shade \\& heat}},\n  author = {Adaeze Okafor and Jörg Müller},\n"
        "  year = {2024},\n  journal = {Journal of Shade},\n  note = {a/b.md},\n}"
    )


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("100 % {of} it", r"100 \% \{of\} it"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("a_b^c~d", r"a\_b\^{}c\~{}d"),
    ],
)
def test_nothing_of_a_title_is_a_command(text: str, printed: str) -> None:
    assert f"title = {{{{{printed}}}}}" in Reference("a.md", text).bibtex("key")


def test_equal_keys_are_told_apart() -> None:
    text = bibliography([PAPER, PAPER, PAPER])
    assert [line for line in text.splitlines() if line.startswith("@")] == [
        "@article{okafor2024shade,",
        "@article{okafor2024shadea,",
        "@article{okafor2024shadeb,",
    ]


def test_no_document_no_bibliography() -> None:
    assert bibliography([]) == ""
