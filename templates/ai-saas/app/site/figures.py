"""The geometry of the usage chart, in units of its own view box; `figures.html` draws it as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT, LEFT, GAP = 720.0, 150.0, 44.0, 3.0
LEAST = 1.5  # height of a day without any, so that one sees it was counted
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Bar:
    """One day."""

    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A line of the scale and what it stands for."""

    y: float
    label: str


@dataclass(frozen=True)
class BarChart:
    """Days from left to right; `words` say what the picture shows."""

    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    words: str
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT


def bar_chart(days: Sequence[date], values: Sequence[int]) -> BarChart:
    """A chart of one value a day; the scale ends at a round number."""
    top = round_above(max(values, default=0))
    step = (WIDTH - LEFT) / max(len(days), 1)
    pairs = enumerate(zip(days, values, strict=True))
    bars = tuple(_bar(day, value, LEFT + i * step, step - GAP, top) for i, (day, value) in pairs)
    lines = tuple(Line(HEIGHT * (1 - share), f"{top * share:,.0f}") for share in (0, 0.5, 1))
    return BarChart(bars, lines, f"{sum(values):,} in {len(days)} days, at most {max(values, default=0):,} on one")


def round_above(value: int) -> int:
    """The smallest of 2, 4, 10, 20, 40, 100, 200 … that is at least `value`: halves of it are whole numbers."""
    unit = 1
    while True:
        for step in STEPS:
            if 2 * step * unit >= value:
                return 2 * step * unit
        unit *= 10


def _bar(day: date, value: int, x: float, width: float, top: int) -> Bar:
    height = max(HEIGHT * value / top, LEAST)
    return Bar(f"{day:%-d %b}", value, round(x, 1), round(HEIGHT - height, 1), round(width, 1), round(height, 1))
