"""The model's part of an answer: within the budget, checked sentence by sentence, copied where no model answers."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass

import structlog
from pydantic import BaseModel
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelMessage, ModelRequest, SystemPromptPart, UserPromptPart
from pydantic_ai.models import Model, StreamedResponse
from pydantic_ai.settings import ModelSettings

from app.answering.citations import CitationCheck
from app.answering.quoting import quoted
from app.answering.sentence_stream import split_stream
from app.bootstrap import Platform
from app.errors import ModelUnavailable
from app.llm.factory import is_offline
from app.llm.gateway import told_as_unavailable
from app.llm.offline import offline_model
from app.llm.usage import Usage, offline_usage, price
from app.prompts.registry import Prompt
from app.stores.ports import Hit

FEATURE = "answer"

log = structlog.get_logger()


class Delta(BaseModel):
    """A piece of an answer that is already checked."""

    text: str


@dataclass(frozen=True)
class Written:
    """What the writing took. `degraded`: no model answered, so sentences were copied from the passages."""

    usage: Usage
    model: str
    route: str
    degraded: bool


class Writer:
    """Writes answers from passages."""

    def __init__(self, platform: Platform) -> None:
        self._gateway = platform.gateway
        self._limits = platform.settings.llm
        self._offline = is_offline(platform.settings.llm)
        self._copier = offline_model()
        self._meter = platform.meter
        self._telemetry = platform.telemetry

    async def write(
        self, question: str, hits: Sequence[Hit], check: CitationCheck, prompt: Prompt, caller: str
    ) -> AsyncGenerator[Delta | Written]:
        """Checked text while the model speaks, and at the end what it took.

        Raises:
            ModelUnavailable: the model broke off after the reader had seen a part.
            TooManyTokens, BudgetExceeded: the request does not fit into what is left.
        """
        model, route = self._gateway.choose(question)
        messages = build_messages(prompt, question, hits)
        if self._offline:
            async for part in self._copy(model, messages, check, route.reason, degraded=False):
                yield part
            return
        shown = False
        try:
            async with aclosing(self._generate(model, messages, check, route.reason, caller)) as parts:
                async for part in parts:
                    yield part
                    shown = True
        except ModelUnavailable as error:
            if shown:
                raise
            log.warning("no model answered, sentences are copied", error=str(error))
            async for part in self._copy(self._copier, messages, check, route.reason, degraded=True):
                yield part

    async def _generate(
        self, model: Model, messages: list[ModelMessage], check: CitationCheck, route: str, caller: str
    ) -> AsyncGenerator[Delta | Written]:
        """A provider's answer, metered; a reader who leaves early still pays for what was written."""
        async with self._meter.call(caller, FEATURE, model, messages) as receipt:
            with told_as_unavailable():
                async with self._open(model, messages) as response:
                    try:
                        async for sentence in split_stream(response):
                            if text := check.admit(sentence):
                                yield Delta(text=text)
                    finally:
                        receipt.usage = price(response.get())
        yield Written(receipt.usage, model.model_name, route, degraded=False)

    async def _copy(
        self, model: Model, messages: list[ModelMessage], check: CitationCheck, route: str, *, degraded: bool
    ) -> AsyncGenerator[Delta | Written]:
        """The extractive answer: offline, or while every provider is down."""
        with told_as_unavailable():
            async with self._open(model, messages) as response:
                async for sentence in split_stream(response):
                    if text := check.admit(sentence):
                        yield Delta(text=text)
                usage = offline_usage(messages, response.get(), self._limits.priced_as)
        self._telemetry.spent(FEATURE, model.model_name, usage)
        yield Written(usage, model.model_name, route, degraded)

    def _open(self, model: Model, messages: list[ModelMessage]) -> AbstractAsyncContextManager[StreamedResponse]:
        settings = ModelSettings(max_tokens=self._limits.max_output_tokens)
        return model_request_stream(model, messages, model_settings=settings, instrument=self._telemetry.model_calls)


def build_messages(prompt: Prompt, question: str, hits: Sequence[Hit]) -> list[ModelMessage]:
    """The request to the model; what documents and readers wrote is quoted, so it cannot close its own tag."""
    chunks = [hit.chunk for hit in hits]
    passages = [{"document": quoted(c.document), "locator": quoted(c.locator), "text": quoted(c.text)} for c in chunks]
    user = prompt.render(question=quoted(question), passages=passages)
    return [ModelRequest(parts=[SystemPromptPart(prompt.system), UserPromptPart(user)])]
