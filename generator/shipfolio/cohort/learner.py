"""One learner of a cohort."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Learner:
    """One learner: where the repository goes, and all answers."""

    id: str
    name: str
    path: Path
    answers: dict[str, str]
