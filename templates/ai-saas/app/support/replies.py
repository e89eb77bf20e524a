"""A suggested reply to a ticket: from the help centre, with sources, a confidence, and whether a person must answer."""

import time
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from app.answering.citations import Citation
from app.bootstrap import Platform
from app.llm.usage import Usage
from app.stores.ports import Hit
from app.support.triage import core, read_rules, reasons
from app.workspace.drafting import draft

PROMPT = "support-reply"
SURE = 0.7  # of the ticket's information that the passages hold: from here a reply is a good one most of the time
THIN = 0.4  # below, whatever would be written is a guess
UNKNOWN = "The help centre does not say enough about this."
UNSURE = "The help centre speaks of this, but perhaps not of this case."
GENERAL = "general"


class Confidence(StrEnum):
    """How far a suggestion can be trusted."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Suggestion(BaseModel):
    """A reply for a person to read, change and send; empty where the help centre says too little.

    `handover`: do not send it unread, for these `reasons`. `topic` is the help centre's folder that was cited first,
    `evidence` in [0, 1] the share of the ticket's information that the passages hold, `searched` what was searched for.
    `offline`: the sentences are copied from the help centre, none is generated.
    """

    reply: str
    citations: list[Citation]
    topic: str
    confidence: Confidence
    evidence: float
    handover: bool
    reasons: list[str]
    searched: str
    usage: Usage
    model: str
    prompt_version: str
    offline: bool
    latency_ms: float


@dataclass(frozen=True)
class Suggested:
    """A suggestion, and the passages that were there to write it from."""

    suggestion: Suggestion
    hits: tuple[Hit, ...]


async def suggest(platform: Platform, subject: str, body: str, asker: str) -> Suggested:
    """Suggest a reply to a ticket. It is written only where the passages hold enough of what the ticket asks.

    Raises:
        ModelUnavailable: the model broke off in the middle.
        TooManyTokens, BudgetExceeded: the request does not fit into what is left.
    """
    started = time.perf_counter()
    searched = core(subject, body)
    evidence = await platform.retriever.search(searched)
    hits = evidence.hits if evidence.coverage >= THIN else ()
    drafted = await draft(platform, PROMPT, f"{subject}\n{body}", hits, asker)
    confidence = _confidence(evidence.coverage, drafted.citations)
    why = reasons(subject, body, read_rules())
    if confidence is Confidence.LOW:
        why.append(UNSURE if drafted.citations else UNKNOWN)
    suggestion = Suggestion(
        reply=drafted.text,
        citations=drafted.citations,
        topic=_topic(drafted.citations),
        confidence=confidence,
        evidence=round(evidence.coverage, 3),
        handover=bool(why),
        reasons=why,
        searched=searched,
        usage=drafted.usage,
        model=drafted.model,
        prompt_version=drafted.prompt,
        offline=drafted.offline,
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
    )
    return Suggested(suggestion, evidence.hits)


def _confidence(coverage: float, citations: list[Citation]) -> Confidence:
    if not citations or coverage < THIN:
        return Confidence.LOW
    return Confidence.HIGH if coverage >= SURE else Confidence.MEDIUM


def _topic(citations: list[Citation]) -> str:
    """The first folder of the first cited document."""
    folder, slash, _ = citations[0].document.partition("/") if citations else ("", "", "")
    return folder if slash else GENERAL
