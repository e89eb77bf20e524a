"""The golden questions can be answered: every key phrase stands in a document that the case names."""

from pathlib import Path

import pytest
from pydantic_evals import Case

from app.answering.evaluation import SAMPLES, SUITE
from app.ingestion.parsing import parse
from app.ingestion.settings import IngestionSettings

CASES = SUITE.dataset.from_file(Path("evals/golden") / SUITE.file).cases


def of_kind(kind: str) -> list[Case]:
    """The cases that test this."""
    return [case for case in CASES if case.metadata and case.metadata.kind == kind]


def words(text: str) -> str:
    """Text as the evaluation compares it: without differences of case and of white space."""
    return " ".join(text.casefold().split())


@pytest.fixture(scope="module")
def library() -> dict[str, str]:
    """All that can be read in each sample, by its path."""
    limit = IngestionSettings.model_validate({}).max_document_bytes
    read = {
        file.relative_to(SAMPLES).as_posix(): parse(file.name, file.read_bytes(), limit).sections
        for file in SAMPLES.rglob("*")
        if file.is_file()
    }
    return {name: words("\n".join(f"{s.locator}\n{s.text}" for s in sections)) for name, sections in read.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_phrase_stands_in_a_document_of_the_case(case, library: dict[str, str]) -> None:
    expected = case.expected_output
    for phrase in expected.contains:
        assert any(words(phrase) in library[name] for name in expected.documents), phrase


@pytest.mark.parametrize("case", of_kind("two-documents"), ids=lambda case: case.name)
def test_a_question_for_two_documents_needs_both(case, library: dict[str, str]) -> None:
    assert len(case.expected_output.documents) == 2
    for name in case.expected_output.documents:
        assert any(words(phrase) in library[name] for phrase in case.expected_output.contains), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_an_unanswerable_case_names_no_document(case) -> None:
    expected = case.expected_output
    assert bool(expected.documents) == bool(expected.contains) == (case.metadata.kind != "unanswerable")
