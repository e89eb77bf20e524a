"""Which questions deserve the large model: a transparent score, no model call."""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.language import WORD

LONG_WORDS = 40
REASONING = re.compile(
    r"\b(?:analy[sz]e|assess|compare|contrast|derive|design|difference|evaluate|explain|why"
    r"|how(?! (?:many|much|long|often|old|far|big|high)))\b",
    re.IGNORECASE,
)
JOINING = re.compile(r"[?;]|\b(?:and|or|versus|vs|then|also)\b", re.IGNORECASE)
WEIGHTS = {"length": 0.4, "reasoning": 0.4, "parts": 0.2}


class Tier(StrEnum):
    """Which model answers."""

    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True)
class Route:
    """The chosen tier; `complexity` is between 0 and 1, `reason` says how it came about."""

    tier: Tier
    complexity: float
    reason: str


def route(question: str, threshold: float) -> Route:
    """The tier for a question: large from `threshold` on."""
    signals = complexity_signals(question)
    complexity = sum(WEIGHTS[name] * value for name, value in signals.items())
    tier = Tier.LARGE if complexity >= threshold else Tier.SMALL
    told = ", ".join(f"{name} {value:.2f}" for name, value in signals.items())
    return Route(tier, round(complexity, 3), f"{told}: {complexity:.2f} against {threshold:.2f}")


def complexity_signals(question: str) -> dict[str, float]:
    """Each between 0 and 1: how long the question is, whether it asks to reason, how many parts it has."""
    parts = len(JOINING.findall(question.rstrip("?;. ")))
    return {
        "length": min(len(WORD.findall(question)) / LONG_WORDS, 1.0),
        "reasoning": float(REASONING.search(question) is not None),
        "parts": min(parts / 3, 1.0),
    }
