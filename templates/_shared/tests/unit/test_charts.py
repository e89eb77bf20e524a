"""The geometry of the charts at known values, the empty and the single one among them."""

import pytest

from app.web.charts import BOTTOM, LEFT, RIGHT, TOP, TREND_HEIGHT, TREND_WIDTH, from_top, histogram, trend


@pytest.mark.parametrize(
    ("value", "y"),
    [(1, TOP), (0, TREND_HEIGHT - BOTTOM), (0.5, TREND_HEIGHT / 2), (2, TOP), (-1, TREND_HEIGHT - BOTTOM)],
)
def test_a_better_score_stands_higher_and_none_leaves_the_chart(value: float, y: float) -> None:
    assert from_top(value) == y


def test_runs_go_from_the_left_edge_to_the_right_one() -> None:
    points = trend([("a", 0.5, 0.4, 0.6)] * 3).points
    assert [p.x for p in points] == [LEFT, (LEFT + TREND_WIDTH - RIGHT) / 2, TREND_WIDTH - RIGHT]
    assert points[0].high < points[0].y < points[0].low


def test_one_run_stands_in_the_middle_and_no_run_draws_nothing() -> None:
    assert trend([("a", 1, 1, 1)]).points[0].x == (LEFT + TREND_WIDTH - RIGHT) / 2
    assert trend([]).points == trend([]).pieces == ()


def test_the_line_breaks_where_the_dataset_changes() -> None:
    run = (0.5, 0.4, 0.6)
    pieces = trend([("a", *run), ("a", *run), ("b", *run), ("a", *run)]).pieces
    assert [len(piece) for piece in pieces] == [2, 1, 1]


def test_a_histogram_counts_every_value_once() -> None:
    bars = histogram([1, 1, 1, 5, 24], width=240, height=90)
    assert sum(bar.count for bar in bars) == 5
    assert max(bar.height for bar in bars) == 90
    assert [bar.end for bar in bars][-1] == 24


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0]])
def test_values_of_zero_are_drawn(values: list[float]) -> None:
    assert sum(bar.count for bar in histogram(values)) == len(values)


def test_no_values_draw_no_bars() -> None:
    assert histogram([]) == ()
