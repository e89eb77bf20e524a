"""The model's part of an answer: within the budget, checked sentence by sentence, copied where no model answers."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray
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
from app.llm.gateway import BrokenOff, told_as_unavailable
from app.llm.offline import offline_model
from app.llm.usage import Usage, offline_usage
from app.prompts.registry import Prompt
from app.stores.ports import Hit

FEATURE = "answer"

log = structlog.get_logger()


class Delta(BaseModel):
    """A piece of an answer that is already checked."""

    text: str


@dataclass(frozen=True)
class Prepared:
    """What is decided before a question is answered: prompt, model and why this one; its vector where one was made."""

    prompt: Prompt
    model: Model
    route: str
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Written:
    """What the writing took, and the model that wrote.

    `degraded`: no model answered, so sentences were copied from the passages.
    """

    usage: Usage
    model: str
    route: str
    degraded: bool


class Writer:
    """Writes answers from passages; what they cost is written down under `feature`."""

    def __init__(self, platform: Platform, feature: str = FEATURE) -> None:
        self._feature = feature
        self._limits = platform.settings.llm
        self._offline = is_offline(platform.settings.llm)
        self._copier = offline_model()
        self._meter = platform.meter
        self._telemetry = platform.telemetry

    async def write(
        self,
        question: str,
        hits: Sequence[Hit],
        check: CitationCheck,
        prepared: Prepared,
        caller: str,
        *,
        whole: bool = False,
    ) -> AsyncGenerator[Delta | Written]:
        """Checked text while the model speaks, and at the end what it took.

        As long as nothing was shown, a model that breaks off gives way to the next one. `whole` shows nothing before
        the end, for readers who get the answer at once.

        Raises:
            ModelUnavailable: the model broke off after the reader had seen a part.
            TooManyTokens, BudgetExceeded: the request does not fit into what is left.
        """
        route, messages = prepared.route, build_messages(prepared.prompt, question, hits)
        model: Model | None = None if self._offline else prepared.model
        while model:
            shown = False
            parts = self._generate(model, messages, check, route, caller)
            try:
                async with aclosing(_held_back(parts) if whole else parts) as released:
                    async for part in released:
                        yield part
                        shown = True
                return
            except ModelUnavailable as error:
                if shown:
                    raise
                check.start_again()
                model = error.rest if isinstance(error, BrokenOff) else None
                if model is None:
                    log.warning("no model answered, sentences are copied", error=str(error))
        copier = prepared.model if self._offline else self._copier
        async for part in self._copy(copier, messages, check, route, degraded=not self._offline):
            yield part

    async def _generate(
        self, model: Model, messages: list[ModelMessage], check: CitationCheck, route: str, caller: str
    ) -> AsyncGenerator[Delta | Written]:
        """A provider's answer, metered; a reader who leaves early still pays for what was written."""
        async with self._meter.call(caller, self._feature, model, messages) as receipt:
            with told_as_unavailable():
                async with self._open(model, messages) as response:
                    try:
                        async for delta in _admitted(response, check):
                            yield delta
                    finally:
                        receipt.take(response.get())
        yield Written(receipt.usage, receipt.model, route, degraded=False)

    async def _copy(
        self, model: Model, messages: list[ModelMessage], check: CitationCheck, route: str, *, degraded: bool
    ) -> AsyncGenerator[Delta | Written]:
        """The extractive answer: offline, or while every provider is down."""
        with told_as_unavailable():
            async with self._open(model, messages) as response:
                async for delta in _admitted(response, check):
                    yield delta
                usage = offline_usage(messages, response.get(), self._limits.priced_as)
        self._telemetry.spent(self._feature, model.model_name, usage)
        yield Written(usage, model.model_name, route, degraded)

    def _open(self, model: Model, messages: list[ModelMessage]) -> AbstractAsyncContextManager[StreamedResponse]:
        settings = ModelSettings(max_tokens=self._limits.max_output_tokens)
        return model_request_stream(model, messages, model_settings=settings, instrument=self._telemetry.model_calls)


async def _held_back(parts: AsyncGenerator[Delta | Written]) -> AsyncGenerator[Delta | Written]:
    """The parts, when the last one has come."""
    async with aclosing(parts):
        kept = [part async for part in parts]
    for part in kept:
        yield part


async def _admitted(response: StreamedResponse, check: CitationCheck) -> AsyncIterator[Delta]:
    """The sentences that stand the check, each as soon as it is whole."""
    async for sentence in split_stream(response):
        if text := check.admit(sentence):
            yield Delta(text=text)


def build_messages(prompt: Prompt, question: str, hits: Sequence[Hit]) -> list[ModelMessage]:
    """The request to the model; what documents and readers wrote is quoted, so it cannot close its own tag."""
    chunks = [hit.chunk for hit in hits]
    passages = [{"document": quoted(c.document), "locator": quoted(c.locator), "text": quoted(c.text)} for c in chunks]
    user = prompt.render(question=quoted(question), passages=passages)
    return [ModelRequest(parts=[SystemPromptPart(prompt.system), UserPromptPart(user)])]
