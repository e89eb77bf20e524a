"""What became of one learner's repository."""

from __future__ import annotations

from dataclasses import dataclass, field

from shipfolio.cohort.learner import Learner
from shipfolio.errors import ShipfolioError


@dataclass(frozen=True)
class Outcome:
    """`state` is one word (created, present, failed; clean, conflict, refused, current); then why, and what to do."""

    id: str
    state: str
    message: str = ""
    remedy: str = ""
    details: dict[str, str] = field(default_factory=dict)

    @classmethod
    def failed(cls, identity: str, error: ShipfolioError, state: str = "failed") -> Outcome:
        """An error as an outcome."""
        return cls(identity, state, error.message, error.remedy)


def lost(learner: Learner, why: str) -> Outcome:
    """What is said of a learner whose batch was lost."""
    return Outcome(learner.id, "failed", why, "run the same command again")
