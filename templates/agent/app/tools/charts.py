"""`make_chart`: a saved table as an SVG picture, written without any drawing library."""

import math
from collections.abc import Sequence
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from anyio import to_thread
from pydantic import BaseModel, Field

from app.tools.folder import file_name, save
from app.tools.foreign import visible
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed
from app.tools.tables import load

WIDTH, TOP, BAR, LABELS, RIGHT = 720.0, 56.0, 26.0, 264.0, 90.0
LINE_HEIGHT, AXIS, END = 260.0, 80.0, 44.0
MAX_POINTS = {"bar": 40, "line": 400, "pie": 8}
COLOURS = ("#2f5d8a", "#c8702a", "#4d8a57", "#8a5a9e", "#b8963a", "#4a9aa5", "#a34b5c", "#6b7280")
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2937}.title{font-size:17px;font-weight:600}"
    ".value{fill:#4b5563}.grid{stroke:#e5e7eb}.line{fill:none;stroke:#2f5d8a;stroke-width:2.5}"
)

Point = tuple[str, float]


class Chart(BaseModel, extra="forbid"):
    """What to draw."""

    file: str = Field(description="CSV file of this run")
    kind: Literal["bar", "line", "pie"] = Field("bar", description="bar to compare, line over time, pie for shares")
    x: str = Field(description="column of labels")
    y: str = Field(description="column of numbers")
    title: str = Field(min_length=1, max_length=120)


def chart_writer() -> Tool:
    """The tool."""
    return Tool("make_chart", "Draw a saved CSV file as an SVG chart.", Permission.WRITE, Chart, _work)


async def _work(arguments: Chart, context: ToolContext) -> Outcome:
    return await to_thread.run_sync(_draw, arguments, context, abandon_on_cancel=True)


def _draw(arguments: Chart, context: ToolContext) -> Outcome:
    table = load(context, arguments.file)
    points = list(zip(map(visible, table.column(arguments.x)), table.numbers(arguments.y), strict=True))
    most = MAX_POINTS[arguments.kind]
    if len(points) > most and arguments.kind != "pie":
        raise ToolFailed(
            f"A {arguments.kind} chart shows at most {most} rows, not {len(points)}.", "Use analyse_table."
        )
    if arguments.kind != "line" and any(value < 0 for _, value in points):
        raise ToolFailed(f"A {arguments.kind} chart cannot show negative numbers.", "Use a line chart.")
    name = file_name("chart", context, ".svg")
    files = save(context, {name: svg(arguments.kind, points, visible(arguments.title))})
    return Outcome(f"Chart saved as {name}: {arguments.title}, {len(points)} values.", files)


def svg(kind: str, points: Sequence[Point], title: str) -> str:
    """A chart as an SVG document with a title and a description that screen readers read."""
    heights = {"bar": TOP + BAR * len(points) + 16, "line": TOP + LINE_HEIGHT + 48, "pie": TOP + 280}
    height = f"{heights[kind]:g}"
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH:g} {height}", "role": "img"})
    SubElement(root, "title").text = title
    SubElement(root, "desc").text = "; ".join(f"{label}: {shown(value)}" for label, value in points[:40])
    SubElement(root, "style").text = STYLE
    SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff", "rx": "8"})
    _text(root, 16, 32, title, "title")
    {"bar": _bars, "line": _line, "pie": _pie}[kind](root, points)
    return tostring(root, encoding="unicode")


def _bars(root: Element, points: Sequence[Point]) -> None:
    largest = max(value for _, value in points) or 1
    room = WIDTH - LABELS - RIGHT
    for row, (label, value) in enumerate(points):
        y, width = TOP + row * BAR, room * value / largest
        _text(root, LABELS - 10, y + 16, _short(label, 36), anchor="end")
        box = {"x": f"{LABELS:g}", "y": f"{y + 3:g}", "width": f"{width:.1f}", "height": "18", "rx": "2"}
        SubElement(root, "rect", {**box, "fill": COLOURS[0]})
        _text(root, LABELS + width + 6, y + 16, shown(value), "value")


def _line(root: Element, points: Sequence[Point]) -> None:
    values = [value for _, value in points]
    lines = _round_steps(min(0.0, *values), max(0.0, *values))
    low, span, bottom = lines[0], lines[-1] - lines[0], TOP + LINE_HEIGHT
    step = (WIDTH - AXIS - END) / max(len(points) - 1, 1)
    for line in lines:
        y = bottom - LINE_HEIGHT * (line - low) / span
        SubElement(root, "path", {"d": f"M{AXIS:g} {y:.1f}H{WIDTH - END:g}", "class": "grid"})
        _text(root, AXIS - 8, y + 4, shown(line), "value", "end")
    places = [(AXIS + i * step, bottom - LINE_HEIGHT * (value - low) / span) for i, value in enumerate(values)]
    SubElement(root, "path", {"d": "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places), "class": "line"})
    for x, y in places if len(places) <= 60 else ():
        SubElement(root, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3.5", "fill": COLOURS[0]})
    every = math.ceil(len(points) / 10)
    for i in range(0, len(points), every):
        _text(root, places[i][0], bottom + 22, _short(points[i][0], 12), "value", "middle")


def _round_steps(low: float, high: float) -> list[float]:
    """Round numbers at equal distances, from at most `low` to at least `high`."""
    rough = (high - low) / 4 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * n for n in range(first, max(last, first + 1) + 1)]


def _pie(root: Element, points: Sequence[Point]) -> None:
    largest = sorted(points, key=lambda point: -point[1])
    most = MAX_POINTS["pie"]
    if len(largest) > most:
        largest = [*largest[: most - 1], ("Others", math.fsum(value for _, value in largest[most - 1 :]))]
    total = math.fsum(value for _, value in largest) or 1
    turn, radius = -0.25, 110.0  # a quarter back: the first slice begins at the top
    for i, (label, value) in enumerate(largest):
        share = value / total
        # A circle's dashed outline draws a slice without arcs that would vanish at a full turn.
        around = {"cx": "150", "cy": f"{TOP + 130:g}", "r": f"{radius / 2:g}", "fill": "none", "stroke": COLOURS[i]}
        length = math.pi * radius
        dashes = {"stroke-width": f"{radius:g}", "stroke-dasharray": f"{share * length:.2f} {length:.2f}"}
        SubElement(root, "circle", {**around, **dashes, "stroke-dashoffset": f"{-turn * length:.2f}"})
        turn += share
        box = {"x": "310", "y": f"{TOP + 18 + i * 28:g}", "width": "14", "height": "14", "rx": "2", "fill": COLOURS[i]}
        SubElement(root, "rect", box)
        _text(root, 334, TOP + 30 + i * 28, f"{_short(label, 36)}: {shown(value)} ({share:.0%})")


def _text(root: Element, x: float, y: float, text: str, style: str = "", anchor: str = "start") -> None:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    SubElement(root, "text", {**place, "class": style} if style else place).text = text


def shown(value: float) -> str:
    """A number for readers: whole and with thousands separators, small fractions with two digits."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"


def _short(label: str, most: int) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"
