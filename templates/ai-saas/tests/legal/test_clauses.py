"""Contracts are cut into clauses, however they number them, and a list inside a clause is no clause."""

from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.ingestion.chunking import chunk
from app.ingestion.parsing import ParsedDocument, parse
from app.ingestion.sections import Section, parse_text
from app.ingestion.settings import IngestionSettings
from app.legal.clauses import MOST_CLAUSES, Clause, by_clause, clauses_of, reading_clauses
from app.stores.ports import Chunk
from app.workspace.flavour import chosen

SETTINGS = IngestionSettings.model_validate({})


def clauses(name: str, text: str) -> list[Clause]:
    """The clauses of a text file as the library would hold it."""
    sections = [each for each in reading_clauses(parse_text)(name, text.encode()) if each.text]
    return clauses_of(chunk(ParsedDocument(name, tuple(sections), ()), SETTINGS))


@pytest.mark.parametrize(
    "headings",
    [
        ["1. Subject", "2. Payment", "3. Term", "4. Law"],
        ["1 Subject", "2 Payment", "3 Term", "4 Law"],
        ["1) Subject", "2) Payment", "3) Term", "4) Law"],
        ["ARTICLE I - Subject", "ARTICLE II - Payment", "ARTICLE III - Term", "ARTICLE IV - Law"],
        ["Section 1: Subject", "Section 2: Payment", "Section 3: Term", "Section 4: Law"],
        ["§ 1 Subject", "§ 2 Payment", "§ 3 Term", "§ 4 Law"],
    ],
    ids=["points", "bare", "brackets", "Roman articles", "sections", "paragraph signs"],
)
def test_numbered_headings_cut_a_contract(headings: list[str]) -> None:
    text = "AGREEMENT\n\n" + "\n\n".join(f"{heading}\n\nIt is agreed that {n}." for n, heading in enumerate(headings))
    found = clauses("a.txt", text)
    assert [(each.number, each.title) for each in found[1:]] == [
        ("1", "Subject"),
        ("2", "Payment"),
        ("3", "Term"),
        ("4", "Law"),
    ]
    assert [each.text for each in found[1:]] == [f"It is agreed that {n}." for n in range(4)]


def test_a_heading_and_its_text_may_share_a_line() -> None:
    found = clauses("a.txt", "\n\n".join(f"{n}. Title {n}. The text of {n}." for n in range(1, 5)))
    assert [(each.title, each.text) for each in found] == [(f"Title {n}", f"The text of {n}.") for n in range(1, 5)]


def test_a_list_inside_a_clause_is_no_clause() -> None:
    text = "1. Goods\n\nThese:\n\n1. Apples\n\n2. Duties\n\nNone.\n\n3. Term\n\nA year.\n\n4. Law\n\nOurs."
    assert [each.title for each in clauses("a.txt", text)] == ["Goods", "Duties", "Term", "Law"]


def test_the_locator_says_in_which_lines_or_pages_a_clause_stands() -> None:
    assert clauses("a.txt", "1. A b\n\nOne.\n\n2. C d\n\nTwo.\n\n3. E f\n\nThree.\n\n4. G h\n\nFour.")[1].locator == (
        "2. C d (lines 5-7)"
    )
    pages = [Section(f"page {n}", f"{n}. Title {n}\nText {n}.") for n in range(1, 5)]
    pages.insert(2, Section("page 2b", "more of it"))
    pages[2] = Section("page 3", "more of it")
    assert by_clause(pages)[2].locator == "2. Title 2 (pages 2-3)"


def test_a_text_without_numbers_stays_as_it_is() -> None:
    sections = [Section("lines 1-1", "Dear Ines,"), Section("lines 3-3", "1. One thing."), Section("lines 5-5", "Bye.")]
    assert by_clause(sections) == sections


def test_headings_that_a_document_has_are_not_cut_again() -> None:
    sections = [Section("Lease > 1. Rent", "1. Cold\n2. Warm\n3. Hot\n4. Boiling")]
    assert by_clause(sections) == sections


def test_passages_of_one_clause_are_one_clause_again() -> None:
    text = "The tenant pays. " * 200
    found = clauses("a.txt", f"1. Rent\n\n{text}\n\n2. Term\n\nA year.\n\n3. Law\n\nOurs.\n\n4. End\n\nNever.")
    assert len(found) == 4
    assert found[0].text.split() == text.split()


def test_a_document_of_thousands_of_clauses_is_refused() -> None:
    passages = [Chunk("a.txt", n, "It is so.", f"{n}. It") for n in range(MOST_CLAUSES + 1)]
    with pytest.raises(InvalidInput, match="Split it"):
        clauses_of(passages)


@pytest.mark.parametrize("file", sorted(Path("samples/legal/contracts").glob("*")), ids=lambda file: file.name)
def test_every_sample_contract_has_its_clauses(file: Path) -> None:
    chosen()
    document = parse(file.name, file.read_bytes(), SETTINGS.max_document_bytes)
    numbers = [int(each.number) for each in clauses_of(chunk(document, SETTINGS)) if each.number]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 8
