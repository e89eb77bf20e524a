"""The tide as a sum of cosines: predicts a level from the constituents of a harbour."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=10)


@dataclass(frozen=True)
class Constituent:
    """One cosine: `amplitude` in metres, `speed` in degrees per hour, `phase` in degrees at the epoch."""

    name: str
    amplitude: float
    speed: float
    phase: float


def predict(mean: float, constituents: Sequence[Constituent], at: datetime) -> float:
    """The level at one time: the mean level plus every constituent."""
    hours = (at - EPOCH) / timedelta(hours=1)
    return mean + sum(c.amplitude * math.cos(math.radians(c.speed * hours - c.phase)) for c in constituents)


def forecast(
    mean: float, constituents: Sequence[Constituent], start: datetime, hours: int
) -> Iterator[tuple[datetime, float]]:
    """Levels every ten minutes, the first one at `start`."""
    for step in range(hours * 6 + 1):
        at = start + step * STEP
        yield at, predict(mean, constituents, at)


def next_extreme(mean: float, constituents: Sequence[Constituent], start: datetime) -> tuple[datetime, str]:
    """The time of the next high or low water within fifteen hours, found where the slope changes its sign."""
    levels = list(forecast(mean, constituents, start, 15))
    for before, here, after in zip(levels, levels[1:], levels[2:], strict=False):
        if (here[1] - before[1]) * (after[1] - here[1]) <= 0:
            return here[0], "high" if here[1] >= before[1] else "low"
    return levels[-1][0], "none"
