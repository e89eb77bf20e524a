"""How a variant is read, and how variants are ranked."""

import pytest

from app.errors import InvalidInput
from app.evals.records import CaseResult, RunResult
from app.evals.variants import NOW, rank, read_variant
from app.settings import Settings


def test_a_setting_is_named_alone_or_with_its_group() -> None:
    variant = read_variant("top_k=3, llm.primary=openai:gpt-5-mini", Settings(), "answer")
    assert variant.settings.retrieval.top_k == 3
    assert variant.settings.llm.primary == "openai:gpt-5-mini"
    assert Settings().retrieval.top_k == 5, "the present settings stay as they are"


@pytest.mark.parametrize(
    ("text", "prompts"),
    [("prompt=v2", {"answer": "2"}), ("prompt=2", {"answer": "2"}), ("prompt=rewrite@3", {"rewrite": "3"})],
)
def test_a_prompt_version_belongs_to_the_suite_or_to_the_named_prompt(text: str, prompts: dict[str, str]) -> None:
    assert read_variant(text, Settings(), "answer").prompts == prompts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topk=3", "top_k"),
        ("top_k", "NAME=VALUE"),
        ("top_k=", "NAME=VALUE"),
        ("top_k=many", "valid integer"),
        ("top_k=0", "greater than or equal to 1"),
        ("url=x,", "NAME=VALUE"),
        ("api.nothing=1", "no setting"),
    ],
)
def test_a_variant_that_means_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_variant(text, Settings(), "answer")


def run(scores: list[float]) -> RunResult:
    cases = tuple(
        CaseResult(f"case-{i}", "single", False, "?", "", "", (), {"hit@k": score, "mrr": score / 2}, 10, 0.001)
        for i, score in enumerate(scores)
    )
    return RunResult("questions", "2026-11-21T10:00:00+00:00", "", "0", True, {}, cases)


def test_the_best_comes_first_with_its_paired_difference() -> None:
    ranked = rank([(NOW, run([0.0, 1.0] * 20)), ("worse", run([0.0] * 40)), ("better", run([1.0] * 40))])
    assert [variant.label for variant in ranked] == ["better", NOW, "worse"]
    assert ranked[0].overall.mean == 0.75
    assert ranked[0].against is not None
    assert ranked[0].against.mean == 0.375
    assert ranked[1].against is None
    assert ranked[0].cost_usd.mean == 0.001
