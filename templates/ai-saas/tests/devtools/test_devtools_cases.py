"""The golden cases can be solved, and a worse system scores worse on them."""

from pathlib import Path
from typing import Any

import pytest

from app.devtools.architecture import Statement
from app.devtools.codebase import FoundCode, defined_at, with_words
from app.devtools.evaluation import (
    SUITE,
    DevtoolsExpected,
    DevtoolsTask,
    score_search,
    score_statements,
)
from app.devtools.flavour import FLAVOUR
from app.devtools.imports import Proof
from app.evals.golden import load_dataset
from app.ingestion.parsing import ParsedDocument, parse
from app.ingestion.settings import IngestionSettings
from app.settings import GateSettings
from app.stores.ports import Chunk
from app.workspace.flavour import chosen

CASES: list[Any] = load_dataset(SUITE.dataset, Path("evals/golden") / SUITE.file).cases
QUESTIONS = [case for case in CASES if case.inputs.question]
SEARCHES = [case for case in CASES if case.inputs.search]
RETRY = Chunk("a/notify.py", 3, "def retry(): ...", "method Notifier.retry, lines 3-9")
OTHER = Chunk("a/other.py", 0, "def retry(): ...", "function retry, lines 1-2")


def words(text: str) -> str:
    """Text as the evaluation compares it."""
    return " ".join(text.casefold().split())


@pytest.fixture(scope="module")
def library() -> dict[str, ParsedDocument]:
    """All samples, read."""
    chosen()
    limit = IngestionSettings.model_validate({}).max_document_bytes
    files = [file for file in FLAVOUR.samples.rglob("*") if file.is_file()]
    return {f.relative_to(FLAVOUR.samples).as_posix(): parse(f.name, f.read_bytes(), limit) for f in files}


def test_there_are_at_least_sixty_cases() -> None:
    assert len(CASES) >= 60


def test_the_gate_can_decide_on_searches() -> None:
    assert len(SEARCHES) >= GateSettings.model_validate({}).min_cases


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case.name)
def test_every_phrase_stands_in_a_document_of_the_case(case: Any, library: dict[str, ParsedDocument]) -> None:
    for phrase in case.expected_output.contains:
        assert any(words(phrase) in words(library[name].text) for name in case.expected_output.documents), phrase


@pytest.mark.parametrize("case", SEARCHES, ids=lambda case: case.name)
def test_the_piece_that_a_search_must_find_exists(case: Any, library: dict[str, ParsedDocument]) -> None:
    (document,) = case.expected_output.documents
    names = {defined_at(section.locator) for section in library[document].sections}
    assert names & set(case.expected_output.names)


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case.name)
def test_only_an_unanswerable_case_names_no_document(case: Any) -> None:
    expected = case.expected_output
    assert bool(expected.documents) == bool(expected.contains) == (case.metadata.kind != "unanswerable")


def test_a_search_that_finds_the_wrong_piece_scores_nothing() -> None:
    expected = DevtoolsExpected(documents=["a/notify.py"], names=["method Notifier.retry"])
    right, wrong = FoundCode(RETRY, "", 1), FoundCode(OTHER, "", 1)
    assert score_search(expected, [right, wrong]) == {"found": 1, "piece_mrr": 1}
    assert score_search(expected, [wrong, right]) == {"found": 1, "piece_mrr": 0.5}
    assert score_search(expected, [wrong]) == score_search(expected, []) == {"found": 0, "piece_mrr": 0}


def test_a_statement_without_a_proof_does_not_count() -> None:
    expected = DevtoolsExpected(documents=[], statements=["a.py is run"])
    proven = Statement("start", "a.py is run.", (Proof("a.py", "module", "x"),))
    bare = Statement("start", "a.py is run.")
    assert score_statements(expected, [bare, proven]) == {"found": 1}
    assert score_statements(expected, [bare]) == score_statements(expected, []) == {"found": 0}


@pytest.mark.parametrize("fields", [{}, {"question": "Why?", "search": "x"}], ids=["none", "two"])
def test_a_case_has_one_task(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a question, or search, or architecture"):
        DevtoolsTask.model_validate(fields)


def test_identifiers_are_searched_by_their_words_too() -> None:
    assert with_words("where is parseTide used") == "where is parseTide used parse Tide"
    assert with_words("where is it") == "where is it"
