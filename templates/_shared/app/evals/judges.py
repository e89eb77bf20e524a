"""Language models as judges: extra scores where a model is configured, never offline, and never a guess.

A judge that fails or answers nonsense leaves its score out; the reason is kept with the case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext, LLMJudge
from pydantic_evals.evaluators.llm_as_a_judge import judge_input_output

from app.bootstrap import Platform
from app.errors import ConfigurationError
from app.evals.answers import Answered
from app.evals.watching import PRIMARY
from app.evals.watching import Judge as OnlineJudge
from app.llm.factory import NONE, OFFLINE, build_gateway, build_model, is_offline
from app.llm.metering import Meter
from app.llm.routing import Tier
from app.settings import LLMSettings

JUDGE = "judge"


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


class MeteredModel(WrapperModel):
    """A judge's model whose calls are within the budgets and in the ledger, under the key and feature `judge`."""

    def __init__(self, wrapped: Model, meter: Meter) -> None:
        super().__init__(wrapped)
        self._meter = meter

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """One response.

        Raises:
            TooManyTokens, BudgetExceeded: the call does not fit into what is left.
        """
        async with self._meter.call(JUDGE, JUDGE, self.wrapped, messages) as receipt:
            response = await self.wrapped.request(messages, model_settings, model_request_parameters)
            receipt.take(response)
        return response


def online_judge(platform: Platform, rubric: str, model: Model | None = None) -> OnlineJudge:
    """What judges answers in use by one rubric, as in an evaluation; `model` instead of the one in `APP_LLM__JUDGE`.

    Raises:
        ConfigurationError: `APP_LLM__JUDGE` names a model that cannot judge.
    """
    model = model or judge_model(platform.settings.llm)
    if model is None:
        raise ConfigurationError("APP_LLM__JUDGE names no model.", "Name one.")
    metered = MeteredModel(model, platform.meter)
    settings = ModelSettings(timeout=platform.settings.llm.timeout_seconds)

    async def judge(answered: Answered, shown: object) -> float:
        score = (await judge_input_output(answered.question, shown, rubric, metered, settings)).score
        if not 0 <= score <= 1:
            raise ValueError(f"the judge's score is not between 0 and 1: {score}")
        return score

    return judge


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
    alone = settings.model_copy(update={"primary": settings.judge, "small": NONE, "fallback": NONE})
    try:
        return build_gateway(alone, "APP_LLM__JUDGE").models[Tier.LARGE]
    except ConfigurationError as error:  # whose remedy is for models that answer
        raise ConfigurationError(
            error.message, "Set its provider's key in .env, or name another one or `none`."
        ) from None
