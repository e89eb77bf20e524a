"""The gate bites: what makes the real system worse is blocked, and what changes nothing is not."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic_ai.messages import ModelMessage, SystemPromptPart, UserPromptPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel
from typer.testing import CliRunner, Result

from app.answering import citations
from app.answering.evaluation import SUITE
from app.cli import cli
from app.errors import InvalidInput
from app.evals.baseline import Baseline, accept_run
from app.evals.gate import GateResult, Verdict, judge_run
from app.evals.suite import run_suite
from app.llm import factory, offline
from app.prompts.registry import PromptRegistry
from app.retrieval import retriever
from app.settings import Settings
from app.stores.ports import Hit

Measure = Callable[..., GateResult]

CITE = "- After every sentence put the number of the passage that proves it, like this: [2].\n"
MARK = re.compile(r" \[\d+\]$")


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    """What the system as it is reaches."""
    now = asyncio.run(run_suite(SUITE, Settings()))
    return accept_run(tmp_path_factory.mktemp("baseline") / "questions-offline.json", now, "as it is")


@pytest.fixture
def measure(baseline: Baseline) -> Measure:
    """The gate's verdict on the system with these settings and prompts."""

    def judged(settings: Settings | None = None, prompts: dict[str, str] | None = None) -> GateResult:
        settings = settings or Settings()
        now = asyncio.run(run_suite(SUITE, settings, prompts=prompts))
        return judge_run(now, baseline, settings.gate, SUITE.must_hold)

    return judged


def blocked(result: GateResult) -> set[str]:
    assert result.verdict is Verdict.BLOCK
    return {check.metric for check in result.checks if check.verdict is Verdict.BLOCK}


def test_an_unchanged_system_passes(measure: Measure) -> None:
    result = measure()
    assert result.verdict is Verdict.PASSED
    assert all(check.difference and check.difference.mean == 0 for check in result.checks)


def test_fewer_passages_are_blocked(measure: Measure) -> None:
    settings = Settings()
    settings.retrieval.top_k = 1
    result = measure(settings)
    assert {"hit@k", "key_phrases"} <= blocked(result)
    assert result.changed["top_k"] == "5 → 1"


def test_a_worse_prompt_is_blocked(measure: Measure, tmp_path: Path) -> None:
    """The new version shows the model only the last passage."""
    folder = tmp_path / "prompts"
    shutil.copytree("prompts", folder)
    good = (folder / "answer/v1.md").read_text("utf-8")
    worse = re.sub(r"in passages\b", "in passages[-1:]", re.sub(r"(?m)^version: .*$", 'version: "99"', good))
    (folder / "answer/v99.md").write_text(worse, "utf-8")
    settings = Settings()
    settings.prompts_dir = folder
    assert "citation_accuracy" in blocked(measure(settings, {"answer": "99"}))


def test_a_broken_retriever_is_blocked(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst candidates come first."""
    sound = retriever.fuse

    def upside_down(rankings: Sequence[tuple[float, Sequence[Hit]]]) -> list[Hit]:
        return sound(rankings)[::-1]

    monkeypatch.setattr(retriever, "fuse", upside_down)
    assert {"hit@k", "mrr", "citation_accuracy"} <= blocked(measure())


def test_lying_citations_are_blocked(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model cites the passage after the one it copied from, and nobody checks."""
    honest = offline.extract

    def lying(prompt: str) -> list[str]:
        passages = len(offline.PASSAGE.findall(prompt))
        return [re.sub(r"\[(\d+)\]$", lambda m: f"[{int(m[1]) % passages + 1}]", said) for said in honest(prompt)]

    monkeypatch.setattr(offline, "extract", lying)
    monkeypatch.setattr(citations, "MIN_SUPPORT", -1.0)
    assert "faithfulness_words" in blocked(measure())


def test_a_critical_case_alone_blocks(baseline: Baseline) -> None:
    now = asyncio.run(run_suite(SUITE, Settings()))
    index = next(i for i, case in enumerate(now.cases) if case.critical and case.scores.get("key_phrases") == 1)
    cases = list(now.cases)
    cases[index] = replace(cases[index], scores={**cases[index].scores, "key_phrases": 0.0})
    result = judge_run(replace(now, cases=tuple(cases)), baseline, Settings().gate, SUITE.must_hold)
    assert result.verdict is Verdict.BLOCK
    assert [loss.case for loss in result.losses] == [cases[index].name]
    assert blocked(result) == set()


async def obey(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    """Answers as the offline model does, but cites only where its system text says so."""
    parts = [part for message in messages for part in message.parts]
    told = " ".join(part.content for part in parts if isinstance(part, SystemPromptPart))
    asked = " ".join(str(part.content) for part in parts if isinstance(part, UserPromptPart))
    for sentence in offline.extract(asked) or [offline.NOTHING_FITS]:
        said = sentence if CITE.strip() in told else MARK.sub("", sentence)
        yield f"{said}\n"


def obedient(name: str, provider: object) -> Model:
    """Takes the place of a provider's model."""
    return FunctionModel(stream_function=obey, model_name=name.partition(":")[2])


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prompt folder with answer@2, which says nothing new, and answer@3, which wants no citations."""
    folder = tmp_path / "prompts"
    shutil.copytree("prompts", folder)
    monkeypatch.setenv("APP_PROMPTS_DIR", str(folder))
    for version, rule in (("2", CITE), ("3", "- Do not cite.\n")):
        assert prompts("new", "answer").exit_code == 0
        path = folder / f"answer/v{version}.md"
        path.write_text(path.read_text("utf-8").replace(CITE, rule), "utf-8")
    return folder


def prompts(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["prompts", *arguments], env={"COLUMNS": "250"})


def test_a_worse_system_text_is_not_promotable_where_a_model_reads_it(
    drafts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (drafts / "registry.yaml").read_bytes()
    offline_run = prompts("evaluate", "answer@3")
    assert offline_run.exit_code == 0, "the offline model reads no system text"
    assert "does not read the wording" in " ".join(offline_run.stderr.split())

    monkeypatch.setattr(factory, "infer_model", obedient)
    monkeypatch.setenv("APP_LLM__PRIMARY", "openai:gpt-5-mini")
    unjudged = prompts("promote", "answer@3", "--percent", "1", "--reason", "it passed")
    assert isinstance(unjudged.exception, InvalidInput)
    assert "evaluated with offline, the service answers with openai:gpt-5-mini" in str(unjudged.exception)

    judged = prompts("evaluate", "answer@3")
    assert judged.exit_code == 1
    assert "key_phrases" in judged.stdout
    refused = prompts("promote", "answer@3", "--percent", "1", "--reason", "I like it")
    assert isinstance(refused.exception, InvalidInput)
    assert "says 'regression'" in str(refused.exception)
    assert (drafts / "registry.yaml").read_bytes() == before, "nobody gets it"

    assert prompts("evaluate", "answer@2").exit_code == 0
    assert prompts("promote", "answer@2").exit_code == 0
    release = PromptRegistry(drafts).release("answer")
    assert release
    assert release.canary == "2"


def test_offline_scores_serve_an_offline_service_and_say_what_they_are(drafts: Path) -> None:
    assert prompts("evaluate", "answer@3").exit_code == 0
    done = prompts("promote", "answer@3")
    assert "answer@3 is served to 10 %" in done.stdout
    assert "does not read the wording" in " ".join(done.stderr.split())
