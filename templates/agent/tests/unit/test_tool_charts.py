"""Charts show the right values and are safe to open, whatever the labels hold."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.tools.charts import _round_steps, chart_writer, shown, svg
from tests.unit.tool_calls import use

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>\x07\u202e & <b>"


def parsed(kind: str, points: list[tuple[str, float]]) -> ElementTree.Element:
    return ElementTree.fromstring(svg(kind, points, "Revenue"))  # noqa: S314 - our own text


def test_bars_are_as_long_as_their_values() -> None:
    bars = parsed("bar", [("a", 200), ("b", 50), ("c", 0)]).findall(f"{SVG}rect")[1:]
    widths = [float(bar.get("width", "")) for bar in bars]
    assert widths[0] == 4 * widths[1] > 0
    assert widths[2] == 0


def test_a_line_falls_and_rises_with_its_values() -> None:
    path = next(
        p for p in parsed("line", [("a", 1), ("b", 3), ("c", -2)]).iter(f"{SVG}path") if p.get("class") == "line"
    )
    heights = [float(point.split()[1]) for point in path.get("d", "").removeprefix("M").split("L")]
    assert heights[1] < heights[0] < heights[2]


def test_a_pie_joins_what_is_small() -> None:
    texts = [text.text for text in parsed("pie", [(f"p{n}", 10.0) for n in range(10)]).iter(f"{SVG}text")]
    assert texts[-1] == "Others: 30 (30%)"


@pytest.mark.parametrize("kind", ["bar", "line", "pie"])
@pytest.mark.parametrize("points", [[("a", 1.0)], [("a", 0.0), ("b", 0.0)]])
def test_one_value_and_zeroes_can_be_drawn(kind: str, points: list[tuple[str, float]]) -> None:
    assert parsed(kind, points).findtext(f"{SVG}title") == "Revenue"


@pytest.mark.parametrize("kind", ["bar", "line", "pie"])
def test_labels_stay_text(tmp_path: Path, kind: str) -> None:
    (tmp_path / "t.csv").write_text(f'x,y\n"{HOSTILE}",1\nb,2\n')
    result = use(chart_writer(), tmp_path, {"file": "t.csv", "kind": kind, "x": "x", "y": "y", "title": HOSTILE})
    assert result.ok
    root = ElementTree.parse(tmp_path / result.artefacts[0]).getroot()  # noqa: S314 - our own file
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= set(
        "svg title desc style rect text path circle".split()
    )
    assert "alert(1)" in "".join(root.itertext())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "bar"}, "at most 40 rows"),
        ({"kind": "pie", "y": "minus"}, "negative"),
        ({"kind": "line", "y": "x"}, "is no number"),
        ({"kind": "radar"}, "do not fit"),
        ({"file": "none.csv"}, "no file"),
    ],
)
def test_what_cannot_be_drawn_is_explained(tmp_path: Path, arguments: dict[str, str], words: str) -> None:
    (tmp_path / "t.csv").write_text("x,y,minus\n" + "".join(f"p{n},{n},{-n}\n" for n in range(50)))
    result = use(chart_writer(), tmp_path, {"file": "t.csv", "x": "x", "y": "y", "title": "T", **arguments})
    assert not result.ok
    assert words in result.text
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_numbers_are_shown_as_readers_expect() -> None:
    assert [shown(value) for value in (1234567.8, 12.345, 3.0, -0.5)] == ["1,234,568", "12.35", "3", "-0.50"]


@pytest.mark.parametrize(
    ("low", "high", "steps"),
    [
        (0, 1_201_714.2, [0, 500_000, 1_000_000, 1_500_000]),
        (0, 4, [0, 1, 2, 3, 4]),
        (-30, 50, [-40, -20, 0, 20, 40, 60]),
        (0, 0, [0, 1]),
        (0, 0.03, [0, 0.01, 0.02, 0.03]),
    ],
)
def test_a_scale_has_round_numbers(low: float, high: float, steps: list[float]) -> None:
    assert _round_steps(low, high) == pytest.approx(steps)
