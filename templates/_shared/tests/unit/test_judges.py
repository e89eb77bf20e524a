"""A judge scores what it was shown; when it fails, the score is missing and the reason is kept."""

from dataclasses import dataclass

import pytest
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_evals import Case, Dataset
from pydantic_evals.reporting import EvaluationReport

from app.errors import ConfigurationError
from app.evals.judges import Judge, judge_model
from app.settings import LLMSettings


@dataclass(frozen=True)
class Said:
    text: str
    inside: str = "not for the judge"


def judge(score: object, heard: list[str] | None = None) -> FunctionModel:
    """A model that always gives this score, and notes what it was asked."""

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if heard is not None:
            heard.append(str(messages))
        verdict = {"reason": "as told", "pass": True, "score": score}
        return ModelResponse([ToolCallPart(info.output_tools[0].name, verdict)])

    return FunctionModel(answer)


def broken(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    raise ModelHTTPError(503, "judge", "overloaded")


async def judged(model: FunctionModel) -> EvaluationReport[str, Said, None]:
    def view(said: Said) -> object:
        return {"answer": said.text}

    dataset = Dataset[str, Said, None](
        name="said", cases=[Case(name="one", inputs="Why?")], evaluators=[Judge("kind", "Is kind.", model, 5, view)]
    )

    async def task(question: str) -> Said:
        return Said("Because.")

    return await dataset.evaluate(task, progress=False)


@pytest.mark.anyio
@pytest.mark.parametrize("score", [0, 0.25, 1])
async def test_the_score_comes_with_its_reason(score: float) -> None:
    (case,) = (await judged(judge(score))).cases
    assert case.scores["kind"].value == score
    assert case.scores["kind"].reason == "as told"


@pytest.mark.anyio
async def test_the_judge_sees_its_view_and_no_more() -> None:
    heard: list[str] = []
    await judged(judge(1, heard))
    assert "Why?" in heard[0]
    assert "Because." in heard[0]
    assert "not for the judge" not in heard[0]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "model",
    [judge(7), judge(-1), judge("none"), FunctionModel(broken)],
    ids=["above 1", "below 0", "nonsense", "unavailable"],
)
async def test_a_failed_judge_is_a_missing_score_and_no_zero(model: FunctionModel) -> None:
    report = await judged(model)
    (case,) = report.cases
    assert case.scores == {}
    assert [failure.name for failure in case.evaluator_failures] == ["kind"]
    assert report.failures == []


@pytest.mark.parametrize("settings", [{}, {"judge": "none"}, {"primary": "openai:gpt-5-mini", "judge": "none"}])
def test_nobody_judges_offline_or_when_switched_off(settings: dict[str, str]) -> None:
    assert judge_model(LLMSettings.model_validate(settings)) is None


def test_a_named_judge_judges_offline_answers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    assert judge_model(LLMSettings.model_validate({"judge": "openai:gpt-5-mini"})) is not None


def test_the_offline_model_is_no_judge() -> None:
    with pytest.raises(ConfigurationError, match="APP_LLM__JUDGE"):
        judge_model(LLMSettings.model_validate({"judge": "offline"}))


@pytest.mark.parametrize("name", ["openai:gpt-5-mini", "foo:bar", "nonsense"], ids=["no key", "no provider", "no name"])
def test_a_judge_that_cannot_be_asked_is_told_with_its_own_setting(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^APP_LLM__JUDGE='{name}' cannot be used") as refused:
        judge_model(LLMSettings.model_validate({"judge": name, "small": "openai:gpt-5-nano"}))
    assert "APP_LLM__PRIMARY" not in str(refused.value)
