"""Cited text from passages that were found already: what the flavours' tools write with."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from app.answering.citations import Citation, CitationCheck
from app.answering.writing import Delta, Prepared, Writer
from app.bootstrap import Platform
from app.llm.factory import is_offline
from app.llm.usage import Usage
from app.stores.ports import Hit


@dataclass(frozen=True)
class Drafted:
    """Checked text, empty where nothing could be proven, and what it took.

    `offline`: the sentences are copied from the passages.
    """

    text: str
    citations: list[Citation]
    usage: Usage
    model: str
    prompt: str
    offline: bool


async def draft(platform: Platform, prompt: str, question: str, hits: Sequence[Hit], asker: str) -> Drafted:
    """What the model writes by `prompt` from these passages; every sentence is proven by one of them.

    No passages, no call. The cost is written down under the prompt's name.

    Raises:
        ModelUnavailable: the model broke off in the middle.
        TooManyTokens, BudgetExceeded: the request does not fit into what is left.
    """
    model, route = platform.gateway.choose(question)
    prepared = Prepared(platform.prompts.choose(prompt, asker), model, route.reason)
    offline = is_offline(platform.settings.llm)
    if not hits:
        return Drafted("", [], Usage(), model.model_name, prepared.prompt.label, offline)
    check = CitationCheck(hits)
    pieces: list[str] = []
    usage, named, degraded = Usage(), model.model_name, False
    writing = Writer(platform, prompt).write(question, hits, check, prepared, asker, whole=True)
    async with aclosing(writing) as parts:
        async for part in parts:
            if isinstance(part, Delta):
                pieces.append(part.text)
            else:
                usage, named, degraded = part.usage, part.model, part.degraded
    return Drafted("\n".join(pieces), check.citations, usage, named, prepared.prompt.label, offline or degraded)
