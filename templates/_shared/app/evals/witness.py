"""Whether the model under evaluation answered each case itself; where it did not, its run says nothing about it."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_evals import set_eval_attribute
from pydantic_evals.reporting import EvaluationReport

from app.errors import CannotDecide, ModelUnavailable
from app.llm.factory import NONE
from app.llm.gateway import Gateway
from app.llm.routing import Tier
from app.settings import Settings

SILENT = "why the model did not answer"  # an attribute of the case in the report
REMEDY = "Without these cases the numbers would flatter: run again when nothing stands in the way."


class Witness(WrapperModel):
    """A model whose failures are noted with the case at work, whatever the system makes of them."""

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """One response.

        Raises:
            ModelUnavailable: the model did not answer.
        """
        with _noted():
            return await self.wrapped.request(messages, model_settings, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """One stream.

        Raises:
            ModelUnavailable: the model did not begin to answer, or broke off.
        """
        opening = self.wrapped.request_stream(messages, model_settings, model_request_parameters, run_context)
        with _noted():
            async with opening as stream:
                yield stream


def unassisted(settings: Settings) -> Settings:
    """The settings without a fallback: what another model answers says nothing about the one under evaluation."""
    return settings.model_copy(update={"llm": settings.llm.model_copy(update={"fallback": NONE})})


def witnessed(gateway: Gateway) -> Gateway:
    """The gateway with a witness at every model."""
    models: dict[Tier, Model] = {tier: Witness(model) for tier, model in gateway.models.items()}
    return replace(gateway, models=models)


def require_answers(report: EvaluationReport[Any, Any, Any], model: str) -> None:
    """Let only a run pass in which every case came to its end and every call of `model` was answered.

    Raises:
        CannotDecide: it is another one; how many cases, which, and why the first of them.
    """
    if report.failures:
        first = report.failures[0]
        told = f"{_counted(len(report.failures), report)} could not run"
        raise CannotDecide(f"{told}; {first.name!r}: {first.error_message}.", REMEDY)
    silent = [case for case in report.cases if SILENT in case.attributes]
    if silent:
        told = f"{_counted(len(silent), report)} were not answered by {model!r}"
        raise CannotDecide(f"{told}; {silent[0].name!r}: {silent[0].attributes[SILENT]}", REMEDY)


def _counted(count: int, report: EvaluationReport[Any, Any, Any]) -> str:
    return f"{count} of {len(report.cases) + len(report.failures)} cases"


@contextmanager
def _noted() -> Iterator[None]:
    try:
        yield
    except ModelUnavailable as error:
        set_eval_attribute(SILENT, error.message)
        raise
