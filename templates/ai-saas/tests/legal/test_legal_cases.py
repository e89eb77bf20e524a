"""The golden cases can be solved, and a worse system scores worse on them."""

from pathlib import Path
from typing import Any

import pytest

from app.evals.golden import load_dataset
from app.ingestion.parsing import parse
from app.ingestion.settings import IngestionSettings
from app.legal.comparison import ClausePair, State
from app.legal.contracts import Comparison
from app.legal.evaluation import SUITE, LegalExpected, LegalTask, score_comparison, score_risks
from app.legal.flavour import FLAVOUR
from app.legal.risks import Risk
from app.legal.rules import RULES
from app.settings import GateSettings
from app.workspace.flavour import chosen

CASES: list[Any] = load_dataset(SUITE.dataset, Path("evals/golden") / SUITE.file).cases
QUESTIONS = [case for case in CASES if case.inputs.question]


def words(text: str) -> str:
    """Text as the evaluation compares it."""
    return " ".join(text.casefold().split())


@pytest.fixture(scope="module")
def library() -> dict[str, str]:
    """All that can be read in each sample, by its name."""
    chosen()
    limit = IngestionSettings.model_validate({}).max_document_bytes
    files = [file for file in FLAVOUR.samples.rglob("*") if file.is_file()]
    read = {file.relative_to(FLAVOUR.samples).as_posix(): parse(file.name, file.read_bytes(), limit) for file in files}
    return {name: words(document.text) for name, document in read.items()}


def test_there_are_at_least_sixty_cases() -> None:
    assert len(CASES) >= 60


def test_the_gate_can_decide_on_findings() -> None:
    assert len(CASES) - len(QUESTIONS) >= GateSettings.model_validate({}).min_cases


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case.name)
def test_every_phrase_stands_in_a_document_of_the_case(case: Any, library: dict[str, str]) -> None:
    for phrase in case.expected_output.contains:
        assert any(words(phrase) in library[name] for name in case.expected_output.documents), phrase


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case.name)
def test_only_an_unanswerable_case_names_no_document(case: Any) -> None:
    expected = case.expected_output
    assert bool(expected.documents) == bool(expected.contains) == (case.metadata.kind != "unanswerable")


def test_cases_name_rules_and_samples_that_exist(library: dict[str, str]) -> None:
    known = {rule.name for rule in RULES}
    for case in CASES:
        assert set(case.expected_output.rules) <= known, case.name
        assert {*case.expected_output.documents, case.inputs.risks, *(case.inputs.compare or ())} - {
            ""
        } <= library.keys()


def test_a_risk_list_that_misses_or_invents_scores_less() -> None:
    expected = LegalExpected(documents=["a.md"], rules=[RULES[0].name, RULES[1].name])
    one, two, three = (Risk(rule, None, "") for rule in RULES[:3])
    assert score_risks(expected, [one, two, two]) == {"findings": 1}
    assert score_risks(expected, [one]) == {"findings": 0.5}
    assert score_risks(expected, [one, three])["findings"] == pytest.approx(1 / 3)
    assert score_risks(LegalExpected(documents=[]), []) == {"findings": 1}
    assert score_risks(LegalExpected(documents=[]), [one]) == {"findings": 0}


def test_a_comparison_that_calls_a_change_the_same_scores_less() -> None:
    expected = LegalExpected(documents=[], states={"Rent": State.CHANGED})
    nothing: list[ClausePair] = []
    assert score_comparison(expected, Comparison(None, None, nothing, [], [])) == {"findings": 0}  # type: ignore[arg-type]


@pytest.mark.parametrize("fields", [{}, {"question": "Why?", "risks": "a.md"}], ids=["none", "two"])
def test_a_case_has_one_task(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a question, or risks, or compare"):
        LegalTask.model_validate(fields)
