"""The gate of this product lets no worse model pass: its golden cases and its baseline notice."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name

import pytest

from app.about import ABOUT
from app.evals.baseline import baseline_path, read_baseline
from app.evals.gate import Verdict, judge_run
from app.evals.suite import Suite, run_suite
from app.llm import offline
from app.settings import Settings
from app.workspace.flavour import suite_of

SUITE: Suite = resolve_name(suite_of(ABOUT.product))


def worst(ranked: Sequence[offline.Candidate]) -> list[offline.Candidate]:
    """The sentence that fits least."""
    return list(ranked[-1:])


def test_a_model_that_copies_the_wrong_sentences_is_blocked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "_choose", worst)
    accepted = read_baseline(baseline_path(Path("evals"), SUITE.name, offline=True))
    judged = judge_run(asyncio.run(run_suite(SUITE, settings)), accepted, settings.gate, SUITE.must_hold)
    assert judged.verdict is Verdict.BLOCK
    assert "key_phrases" in [check.metric for check in judged.checks if check.verdict is Verdict.BLOCK]
