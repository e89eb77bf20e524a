"""Language models as judges: extra scores where a model is configured, never offline, and never a guess.

A judge that fails or answers nonsense leaves its score out; the reason is kept with the case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings
from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext, LLMJudge

from app.errors import ConfigurationError
from app.llm.factory import NONE, OFFLINE, build_model, is_offline
from app.settings import LLMSettings

PRIMARY = "primary"


@dataclass(repr=False)
class Judge(Evaluator[Any, Any, Any]):
    """Scores one rubric in [0, 1]; `view` is what of the outcome the judge may read."""

    metric: str
    rubric: str
    model: Model
    timeout_seconds: float
    view: Callable[[Any], object]

    async def evaluate(self, ctx: EvaluatorContext[Any, Any, Any]) -> Mapping[str, EvaluationReason]:
        """The score and the judge's reason, under the metric's name.

        Raises:
            ValueError: the judge gave a score outside [0, 1].
        """
        judge = LLMJudge(
            rubric=self.rubric,
            model=self.model,
            include_input=True,
            model_settings=ModelSettings(timeout=self.timeout_seconds),
            score={"evaluation_name": self.metric, "include_reason": True},
            assertion=False,
        )
        verdict = await judge.evaluate(replace(ctx, output=self.view(ctx.output)))
        match verdict:
            case {self.metric: EvaluationReason(value=float(score) | int(score)) as judged} if 0 <= score <= 1:
                return {self.metric: judged}
        raise ValueError(f"the judge's score is not between 0 and 1: {verdict}")

    def get_default_evaluation_name(self) -> str:
        """The metric's name, also when the judge fails."""
        return self.metric


def judge_model(settings: LLMSettings) -> Model | None:
    """The model that judges, or none: offline answers are not worth a judge's money unless one is named.

    Raises:
        ConfigurationError: `APP_LLM__JUDGE` names a model that cannot judge.
    """
    if settings.judge == NONE or (settings.judge == PRIMARY and is_offline(settings)):
        return None
    if settings.judge == PRIMARY:
        return build_model(settings)
    if settings.judge == OFFLINE:
        raise ConfigurationError("APP_LLM__JUDGE='offline': it copies sentences.", "Name a model, `primary` or `none`.")
    return build_model(settings.model_copy(update={"primary": settings.judge, "fallback": NONE}))
