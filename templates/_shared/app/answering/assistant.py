"""Question in, cited answer out: complete it, retrieve, weigh the evidence, ask the model, check each sentence."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from app.answering.citations import Citation, CitationCheck
from app.answering.conversations import Turn
from app.answering.followups import FollowUps, Rewrite
from app.answering.writing import Delta, Prepared, Writer, Written
from app.bootstrap import Platform
from app.llm.factory import is_offline
from app.llm.usage import Usage
from app.observability.telemetry import trace_id
from app.retrieval.retriever import Evidence
from app.stores.ports import EVERYWHERE

PROMPT = "answer"
LOCAL = "local"  # who asks from the command line
REFUSAL = "I don't know: the documents do not say enough about this."
EXAMPLE: dict[str, Any] = {
    "answer": "Up to five unused days move into the next year. [1]",
    "citations": [
        {
            "number": 1,
            "document": "hr/leave-policy.md",
            "locator": "Leave > Carry over",
            "quote": "Up to five unused days move into the next year.",
            "score": 0.016,
        }
    ],
    "refused": False,
    "evidence": 0.93,
    "usage": {"input_tokens": 812, "output_tokens": 14, "cost_usd": 0.0},
    "model": "offline-extractive",
    "route": "no small model is set",
    "offline": True,
    "degraded": False,
    "cached": False,
    "prompt_version": "answer@1",
    "rewrite": None,
    "latency_ms": 7.9,
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}


class Answer(BaseModel):
    """A finished answer in plain text. Without citations it is a refusal: `refused` is true and nothing is claimed.

    `rewrite` is the complete question where a follow-up question was completed from its conversation. `route` says why
    a model was preferred, `model` which one answered. `offline`: the sentences are copied from the passages,
    `degraded` because no provider answered. `cached`: the same question was answered before.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    answer: str
    citations: list[Citation]
    refused: bool
    evidence: float
    usage: Usage
    model: str
    route: str
    offline: bool
    degraded: bool
    cached: bool
    prompt_version: str
    rewrite: Rewrite | None
    latency_ms: float
    trace_id: str


@dataclass(frozen=True)
class Reply:
    """An answer, and the passages that were there to write it from."""

    answer: Answer
    evidence: Evidence


@dataclass(frozen=True)
class Progress:
    """All that is known when the last sentence is written; `started` is on the performance counter."""

    prepared: Prepared
    pieces: Sequence[str]
    check: CitationCheck
    evidence: Evidence
    rewrite: Rewrite | None
    written: Written | None
    usage: Usage
    started: float


class Assistant:
    """Answers questions from the library, by the prompt of this name."""

    def __init__(self, platform: Platform, prompt: str = PROMPT) -> None:
        self._prompt = prompt
        self._retriever = platform.retriever
        self._follow_ups = FollowUps(platform)
        self._writer = Writer(platform)
        self._gateway = platform.gateway
        self._prompts = platform.prompts
        self._settings = platform.settings
        self._offline = is_offline(platform.settings.llm)
        self._telemetry = platform.telemetry
        self._tracer = platform.telemetry.tracers.get_tracer("app.answering")

    def prepare(self, question: str, caller: str) -> Prepared:
        """The prompt that `caller` gets, and the model for this question."""
        model, route = self._gateway.choose(question)
        return Prepared(self._prompts.choose(self._prompt, caller), model, route.reason)

    async def ask(self, question: str) -> Answer:
        """The whole answer at once."""
        return (await self.answer(question)).answer

    async def answer(self, question: str, where: Mapping[str, str] = EVERYWHERE, history: Sequence[Turn] = ()) -> Reply:
        """The whole answer at once, with its evidence; for the parameters and errors see `stream`."""
        async with aclosing(self.stream(question, where, history, whole=True)) as parts:
            *_, reply = [part async for part in parts]
        assert isinstance(reply, Reply)  # noqa: S101 - a stream ends with its reply
        return reply

    async def stream(
        self,
        question: str,
        where: Mapping[str, str] = EVERYWHERE,
        history: Sequence[Turn] = (),
        caller: str = LOCAL,
        prepared: Prepared | None = None,
        *,
        whole: bool = False,
    ) -> AsyncGenerator[Delta | Reply]:
        """Checked pieces as they come, then the reply. Close it when leaving early.

        Only passages with all the tags of `where` are searched. `history` completes the question and nothing else:
        an answer rests on passages, never on an earlier answer. `caller` decides who gets a canary's prompt and whose
        budget is charged. `prepared` is what was decided about the complete question already. `whole` is for readers
        who get the answer at once: its pieces come at the end, so that another model can begin anew until then.

        Raises:
            ModelUnavailable: the model broke off in the middle.
            TooManyTokens, BudgetExceeded: the question does not fit into what is left.
        """
        started = time.perf_counter()
        with self._tracer.start_as_current_span("answer"):
            rewrite, usage = await self._follow_ups.complete(question, history, caller)
            complete = rewrite.question if rewrite else question
            prepared = prepared or self.prepare(complete, caller)
            evidence = await self._retriever.search(complete, where, prepared.vector)
            check = CitationCheck(evidence.hits)
            pieces: list[str] = []
            written: Written | None = None
            if evidence.coverage >= self._settings.retrieval.min_evidence:
                writing = self._writer.write(complete, evidence.hits, check, prepared, caller, whole=whole)
                async with aclosing(writing) as parts:
                    async for part in parts:
                        if isinstance(part, Written):
                            written, usage = part, usage + part.usage
                            continue
                        if not pieces:
                            self._telemetry.first_text.record(time.perf_counter() - started)
                        pieces.append(part.text)
                        yield part
            done = Progress(prepared, pieces, check, evidence, rewrite, written, usage, started)
            reply = Reply(self._finish(done), evidence)
        yield reply

    def _finish(self, done: Progress) -> Answer:
        refused = not done.check.citations
        outcome = "refused" if refused else "answered"
        prompt = done.prepared.prompt.label
        self._telemetry.answers.add(1, {"outcome": outcome, "prompt": prompt})
        self._telemetry.coverage.record(done.evidence.coverage)
        if not refused:
            self._telemetry.precision.record(len(done.check.cited) / len(done.evidence.hits))
        degraded = done.written is not None and done.written.degraded
        return Answer(
            answer=REFUSAL if refused else "\n".join(done.pieces),
            citations=done.check.citations,
            refused=refused,
            evidence=round(done.evidence.coverage, 3),
            usage=done.usage,
            model=done.written.model if done.written else done.prepared.model.model_name,
            route=done.written.route if done.written else "the evidence was too thin to ask a model",
            offline=self._offline or degraded,
            degraded=degraded,
            cached=False,
            prompt_version=prompt,
            rewrite=done.rewrite,
            latency_ms=round((time.perf_counter() - done.started) * 1000, 1),
            trace_id=trace_id(),
        )
