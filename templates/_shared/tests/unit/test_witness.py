"""What an evaluation makes of a model that does not answer: no scores, and the reason."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_evals import Case, Dataset
from pydantic_evals.reporting import EvaluationReport

from app.bootstrap import Platform
from app.errors import CannotDecide, ModelUnavailable
from app.evals.suite import Suite, run_suite
from app.evals.witness import require_answers, unassisted, witnessed
from app.llm.gateway import Gateway, ResilientModel
from app.llm.routing import Tier
from app.settings import LLMSettings, Settings

CASES = ("fine", "before", "midway")
Task = Callable[[str], Awaitable[str]]

pytestmark = pytest.mark.anyio


def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    if "before" in str(messages):
        raise ModelHTTPError(503, "scripted", "overloaded")
    return ModelResponse([TextPart("Yes.")])


async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    if "before" in str(messages):
        raise ModelHTTPError(503, "scripted", "overloaded")
    yield "Yes. "
    if "midway" in str(messages):
        raise ModelHTTPError(503, "scripted", "overloaded")
    yield "No."


def observed() -> Model:
    limits = LLMSettings.model_validate({"retries": 0})
    broken = ResilientModel([FunctionModel(respond, stream_function=stream, model_name="scripted")], limits)
    return witnessed(Gateway({Tier.LARGE: broken}, {}, 1)).models[Tier.LARGE]


async def whole(question: str) -> str:
    """A system that asks for the whole answer, and makes up another one where there is none."""
    try:
        return str((await model_request(observed(), [ModelRequest.user_text_prompt(question)])).text)
    except ModelUnavailable:
        return "made up"


async def streamed(question: str) -> str:
    """A system that reads a stream, and makes up what does not come."""
    try:
        async with model_request_stream(observed(), [ModelRequest.user_text_prompt(question)]) as response:
            async for _ in response:
                pass
            return str(response.get().text)
    except ModelUnavailable:
        return "made up"


async def careless(question: str) -> str:
    if question == "before":
        raise ModelUnavailable("No model answered.")
    return "Yes."


async def report(task: Task, *questions: str) -> EvaluationReport[str, str, None]:
    dataset = Dataset[str, str, None](name="cases", cases=[Case(name=each, inputs=each) for each in questions])
    return await dataset.evaluate(task, progress=False)


@pytest.mark.parametrize("task", [whole, streamed])
async def test_a_run_with_every_answer_can_be_judged(task: Task) -> None:
    require_answers(await report(task, "fine", "good"), "scripted")


@pytest.mark.parametrize(
    ("task", "silent"), [(whole, "before"), (streamed, "before"), (streamed, "midway")], ids=["whole", "begin", "break"]
)
async def test_a_case_that_the_system_answered_without_its_model_cannot_be_judged(task: Task, silent: str) -> None:
    result = await report(task, "fine", silent)
    with pytest.raises(CannotDecide, match=f"1 of 2 cases were not answered by 'scripted'; '{silent}': .*503") as told:
        require_answers(result, "scripted")
    assert told.value.exit_code == 3


async def test_a_case_that_could_not_run_cannot_be_judged() -> None:
    with pytest.raises(CannotDecide, match="1 of 3 cases could not run; 'before': ModelUnavailable") as told:
        require_answers(await report(careless, *CASES), "scripted")
    assert told.value.exit_code == 3


async def test_an_evaluation_that_cannot_begin_cannot_be_judged(tmp_path: Path) -> None:
    async def prepare(_: Platform) -> Task:
        raise ModelUnavailable("The embedding model did not answer.")

    (tmp_path / "golden").mkdir()
    (tmp_path / "golden/cases.yaml").write_text("cases: [{name: one, inputs: Why}]\n", "utf-8")
    suite = Suite("cases", Dataset[str, str, None], "cases.yaml", prepare, observe=never, judged=never)
    with pytest.raises(CannotDecide, match="could not begin: The embedding model"):
        await run_suite(suite, Settings(evals_dir=tmp_path))


def never(_: object) -> Any:
    raise AssertionError("nothing was answered")


def test_no_other_model_takes_over_in_an_evaluation() -> None:
    llm = LLMSettings.model_validate({"primary": "openai:gpt-5-mini", "fallback": "offline", "small": "openai:nano"})
    kept = unassisted(Settings(llm=llm)).llm
    assert (kept.primary, kept.small, kept.fallback) == ("openai:gpt-5-mini", "openai:nano", "none")
