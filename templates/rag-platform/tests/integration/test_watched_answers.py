"""A question's answer on its way after it went out: scored, measured, judged, and made a golden case by a reader."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from typer.testing import CliRunner

from app.answering import chat
from app.answering.assistant import Reply
from app.answering.evaluation import SUITE
from app.answering.support import BY_JUDGE, BY_WORDS, RUBRIC
from app.bootstrap import Platform
from app.cli import cli
from app.errors import AppError, ConfigurationError, InvalidInput
from app.evals.golden import load_dataset
from app.evals.judges import JUDGE, online_judge
from app.evals.watching import Watcher
from app.ingestion.library import Library
from app.llm.spending import Spending
from app.settings import QualitySettings, Settings

LEAVE = b"# Leave\n\nUp to five unused days move into the next year.\n"
QUESTION = {"question": "How many unused leave days move into the next year?"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The texts are kept, every answer is judged where there is a judge."""
    settings.quality = QualitySettings.model_validate({"content": True, "judge_share": 1})
    return settings


@pytest.fixture
def library(platform: Platform) -> None:
    asyncio.run(Library(platform).add("leave.md", LEAVE))


def settle(client: TestClient, app: FastAPI) -> None:
    """Wait until what went out is scored."""
    assert client.portal
    client.portal.call(app.state.answering.watcher.settled)


def grade(score: float) -> FunctionModel:
    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        assert "Up to five unused days" in str(messages), "the judge sees the passages"
        return ModelResponse([ToolCallPart(info.output_tools[0].name, {"reason": "", "pass": True, "score": score})])

    return FunctionModel(answer, model_name="strict")


def down(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    raise ModelHTTPError(503, "judge", "overloaded")


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
def test_an_answer_is_scored_after_it_went_out(
    library: None, platform: Platform, app: FastAPI, client: TestClient, stream: bool
) -> None:
    assert client.post("/v1/ask", json={**QUESTION, "stream": stream}).status_code == 200
    settle(client, app)
    (words,) = platform.answers.latest(BY_WORDS, 9)
    assert words.score == 1
    assert words.setup["prompt"] == "answer@1"
    assert words.setup["index"] == platform.catalog.version()


def test_a_refusal_counts_as_one_and_has_no_support(
    library: None, platform: Platform, app: FastAPI, client: TestClient
) -> None:
    client.post("/v1/ask", json={"question": "What is served on Fridays?"})
    settle(client, app)
    assert [s.score for s in platform.answers.latest("answered", 9)] == [0.0]
    assert platform.answers.latest(BY_WORDS, 9) == []


def test_an_answer_given_again_is_known_by_its_own_trace_and_not_scored_twice(
    library: None, platform: Platform, app: FastAPI, client: TestClient
) -> None:
    first, again = (client.post("/v1/ask", json=QUESTION).json() for _ in range(2))
    settle(client, app)
    assert (first["cached"], again["cached"]) == (False, True)
    assert len(platform.answers.latest(BY_WORDS, 9)) == 1
    client.post("/v1/feedback", json={"trace_id": again["trace_id"], "rating": 1})
    (said,) = client.get("/v1/feedback").json()
    assert said["question"] == QUESTION["question"]
    assert said["sources"][0]["document"] == "leave.md"


def test_a_slow_scorer_holds_no_answer_back(
    library: None, platform: Platform, app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Event()

    def slow(reply: Reply) -> Mapping[str, float]:
        assert release.wait(20)
        return {"answered": 1.0}

    monkeypatch.setattr(chat, "score_reply", slow)
    assert client.post("/v1/ask", json=QUESTION).status_code == 200
    assert client.post("/v1/ask", json={**QUESTION, "stream": True}).status_code == 200
    assert platform.answers.latest("answered", 9) == []
    release.set()
    settle(client, app)
    assert len(platform.answers.latest("answered", 9)) == 1


@pytest.mark.parametrize(
    ("model", "scores"), [(grade(0.5), [0.5]), (grade(7), []), (FunctionModel(down), [])], ids=["half", "7", "down"]
)
def test_a_judge_adds_its_score_or_nothing(
    library: None, platform: Platform, app: FastAPI, client: TestClient, model: FunctionModel, scores: list[float]
) -> None:
    judge = online_judge(platform, RUBRIC, model)
    object.__setattr__(app.state.answering, "watcher", Watcher(platform, BY_JUDGE, judge))
    client.post("/v1/ask", json=QUESTION)
    settle(client, app)
    assert [s.score for s in platform.answers.latest(BY_JUDGE, 9)] == scores
    assert len(platform.answers.latest(BY_WORDS, 9)) == 1


def test_a_judges_calls_are_in_the_ledger(library: None, platform: Platform, app: FastAPI, client: TestClient) -> None:
    judge = online_judge(platform, RUBRIC, grade(1))
    object.__setattr__(app.state.answering, "watcher", Watcher(platform, BY_JUDGE, judge))
    client.post("/v1/ask", json=QUESTION)
    settle(client, app)
    lines = Spending(platform.catalog.engine, platform.settings.budget).lines(datetime.now(UTC).date())
    (line,) = [line for line in lines if line.feature == JUDGE]
    assert (line.caller, line.model, line.calls) == (JUDGE, "strict", 1)
    assert line.input_tokens > 0


def test_a_named_judge_without_its_key_is_told_at_the_start(platform: Platform) -> None:
    platform.settings.llm.judge = "openai:gpt-5-mini"
    with pytest.raises(ConfigurationError, match="key"):
        chat.open_answering(platform)


def test_serving_does_not_load_the_evaluation_library() -> None:
    code = "import sys, app.api.application; sys.exit('pydantic_evals' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0  # noqa: S603


def test_feedback_becomes_a_golden_case_that_a_person_finishes(
    library: None, platform: Platform, app: FastAPI, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree("evals/golden", tmp_path / "evals/golden")
    golden = tmp_path / "evals/golden/questions.yaml"
    monkeypatch.setenv("APP_EVALS_DIR", str(tmp_path / "evals"))
    monkeypatch.setenv("APP_STORE__URL", platform.settings.store.url)
    trace = client.post("/v1/ask", json=QUESTION).json()["trace_id"]
    settle(client, app)
    client.post("/v1/feedback", json={"trace_id": trace, "rating": 1, "comment": "Right:\n- at once"})

    listed = feedback("list")
    assert trace[:12] in listed
    assert QUESTION["question"] in listed
    assert feedback("list", "--rating", "-1").count(trace[:12]) == 0
    before = golden.read_text("utf-8")
    assert f"reader-{trace[:12]}: added" in feedback("export", trace[:12])
    assert f"reader-{trace[:12]}: is there already" in feedback("export", trace, trace[:12])
    text = golden.read_text("utf-8")
    assert text.startswith(before.rstrip("\n"))
    assert text.count(f"name: reader-{trace[:12]}") == 1

    with pytest.raises(ConfigurationError, match=r"questions\.yaml:\d+: this case still says <fill in>"):
        load_dataset(SUITE.dataset, golden)
    golden.write_text(text.replace("kind: <fill in>", "kind: lookup").replace("<fill in>", "five"), "utf-8")
    case = load_dataset(SUITE.dataset, golden).cases[-1]
    assert case.inputs.question == QUESTION["question"]
    assert case.expected_output
    assert (case.expected_output.documents, case.expected_output.contains) == (["leave.md"], ["five"])


def test_feedback_without_its_question_is_no_golden_case(
    platform: Platform, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_STORE__URL", platform.settings.store.url)
    client.post("/v1/feedback", json={"trace_id": "a" * 32, "rating": -1})
    with pytest.raises(InvalidInput, match="was not kept"):
        feedback("export", "a" * 32)


def feedback(*arguments: str) -> str:
    """What `app feedback …` prints; an expected error is raised."""
    done = CliRunner().invoke(cli, ["feedback", *arguments], env={"COLUMNS": "250"})
    if isinstance(done.exception, AppError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout
