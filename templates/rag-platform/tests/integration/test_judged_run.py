"""A run with a language model as judge: its scores stand beside the measured ones, its failures are missing scores."""

from pathlib import Path

import pytest
import yaml
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from app.answering.evaluation import RUBRICS, SUITE
from app.evals.records import RunResult
from app.evals.suite import run_suite
from app.settings import Settings

pytestmark = pytest.mark.anyio


def moody(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Gives half a point, but breaks down over questions about leave."""
    if "leave" in str(messages):
        raise ModelHTTPError(503, "judge", "overloaded")
    return ModelResponse([ToolCallPart(info.output_tools[0].name, {"reason": "so so", "pass": True, "score": 0.5})])


async def run(folder: Path, judge: FunctionModel | None) -> RunResult:
    """A run over the first golden case, which is about leave, and two about screen messages."""
    cases = yaml.safe_load(Path("evals/golden/questions.yaml").read_text("utf-8"))["cases"]
    chosen = cases[:1] + [case for case in cases if case["name"].startswith("screen-")][:2]
    assert len(chosen) == 3
    (folder / "golden").mkdir()
    (folder / "golden/questions.yaml").write_text(yaml.safe_dump({"name": "questions", "cases": chosen}), "utf-8")
    return await run_suite(SUITE, Settings(evals_dir=folder), judge=judge)


async def test_judges_score_what_they_can_and_the_rest_is_missing(tmp_path: Path) -> None:
    leave, *others = (await run(tmp_path, FunctionModel(moody, model_name="moody"))).cases
    assert set(leave.missing) == set(RUBRICS)
    assert all("503" in reason for reason in leave.missing.values())
    assert not leave.scores.keys() & RUBRICS.keys()
    assert leave.scores["hit@k"] == 1
    assert all(case.scores[metric] == 0.5 for case in others for metric in RUBRICS)


async def test_offline_nobody_judges(tmp_path: Path) -> None:
    result = await run(tmp_path, None)
    assert result.setup["judge"] == "none"
    assert not any(case.scores.keys() & RUBRICS.keys() for case in result.cases)
