"""The geometry of small charts, in units of their own view boxes; templates draw it as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TREND_WIDTH, TREND_HEIGHT = 240.0, 72.0
LEFT, RIGHT, TOP, BOTTOM = 22.0, 8.0, 6.0, 6.0
DAYLIGHT = 2.0
BARS = 24


@dataclass(frozen=True)
class Point:
    """A run in a trend: its mean and the ends of its interval, from the top."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Trend:
    """Runs from left to right on a scale from 0 to 1. `pieces` are the points to join, one per dataset."""

    points: tuple[Point, ...]
    pieces: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram: `count` cases from `start` to `end`."""

    x: float
    y: float
    width: float
    height: float
    count: int
    start: float
    end: float


def trend(runs: Sequence[tuple[str, float, float, float]]) -> Trend:
    """The trend of (dataset, mean, low, high) runs; the line breaks where the dataset changes."""
    step = (TREND_WIDTH - LEFT - RIGHT) / max(len(runs) - 1, 1)
    first = LEFT if len(runs) > 1 else (LEFT + TREND_WIDTH - RIGHT) / 2
    points = [Point(round(first + i * step, 2), *map(from_top, run[1:])) for i, run in enumerate(runs)]
    pieces: list[list[Point]] = []
    for i, point in enumerate(points):
        if i == 0 or runs[i][0] != runs[i - 1][0]:
            pieces.append([])
        pieces[-1].append(point)
    return Trend(tuple(points), tuple(map(tuple, pieces)))


def from_top(value: float) -> float:
    """Where a value in [0, 1] stands in a trend; values outside stand on the edge."""
    return round(TOP + (1 - min(max(value, 0), 1)) * (TREND_HEIGHT - TOP - BOTTOM), 2)


def histogram(values: Sequence[float], width: float = 480, height: float = 90) -> tuple[Bar, ...]:
    """Bars of equal width from 0 to the largest value, the tallest as high as the chart; none for no values."""
    if not values:
        return ()
    counts, edges = np.histogram(values, bins=BARS, range=(0, max(values) or 1))
    step = width / BARS
    return tuple(
        Bar(
            round(i * step, 2),
            round(height * (1 - count / counts.max()), 2),
            round(step - DAYLIGHT, 2),
            round(height * count / counts.max(), 2),
            int(count),
            float(edges[i]),
            float(edges[i + 1]),
        )
        for i, count in enumerate(counts)
    )
