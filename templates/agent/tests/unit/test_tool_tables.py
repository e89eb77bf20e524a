"""Tables are read from the run's own folder only, and grouped right."""

from pathlib import Path

import pytest

from app.tools.folder import MAX_BYTES, file_name
from app.tools.tables import table_analysis
from tests.unit.tool_calls import context, use

SALES = "region,month,revenue\nNorth,2026-07,10.5\nSouth,2026-07,4\nNorth,2026-08,1\nSouth,2026-08,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "table-1.csv").write_text(SALES)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ({"group_by": "region", "value": "revenue"}, ["region,sum_revenue", "North,11.5", "South,4.0"]),
        ({"group_by": "region", "value": "revenue", "sort": "asc"}, ["region,sum_revenue", "South,4.0", "North,11.5"]),
        ({"group_by": "region", "aggregate": "count"}, ["region,count_rows", "North,2", "South,2"]),
        ({"value": "revenue", "aggregate": "mean"}, ["group,mean_revenue", "all,3.875"]),
        ({"value": "revenue", "aggregate": "median"}, ["group,median_revenue", "all,2.5"]),
        (
            {"group_by": "month", "value": "revenue", "aggregate": "max", "limit": 1},
            ["month,max_revenue", "2026-07,10.5"],
        ),
    ],
)
def test_groups_are_computed_sorted_and_saved(folder: Path, arguments: dict[str, object], rows: list[str]) -> None:
    result = use(table_analysis(), folder, {"file": "table-1.csv", **arguments})
    assert result.text.splitlines()[1:] == rows
    assert (folder / result.artefacts[0]).read_text().splitlines() == rows


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"value": "turnover"}, "There are: region, month, revenue."),
        ({"value": "region"}, "'North' in the column 'region' is no number."),
        ({"group_by": "shop", "value": "revenue"}, "no column 'shop'"),
        ({"group_by": "region"}, "sum needs `value`"),
    ],
)
def test_a_question_that_does_not_fit_names_what_does(folder: Path, arguments: dict[str, str], words: str) -> None:
    result = use(table_analysis(), folder, {"file": "table-1.csv", **arguments})
    assert not result.ok
    assert words in result.text


@pytest.mark.parametrize(
    "name",
    [
        "../app.db",
        "/etc/passwd",
        "..",
        "",
        "table-1.csv\0",
        "a/b.csv",
        ".hidden.csv",
        "link.csv",
        "table-2.csv",
        "x.py",
    ],
)
def test_only_files_of_this_run_can_be_read(folder: Path, name: str) -> None:
    (folder / "link.csv").symlink_to("/etc/hostname")
    (folder / ".hidden.csv").write_text(SALES)
    result = use(table_analysis(), folder, {"file": name, "value": "revenue"})
    assert not result.ok
    assert "This run has no file" in result.text


@pytest.mark.parametrize("text", ["", "a,b\n", "a,b\n1\n", 'a\n"1', "a\nnan\n", "a\ninf\n"])
def test_garbage_is_no_table(folder: Path, text: str) -> None:
    (folder / "odd.csv").write_text(text)
    assert not use(table_analysis(), folder, {"file": "odd.csv", "value": "a"}).ok


def test_a_file_that_grew_too_large_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(
        "a,b\n" + "".join(f"{'x' * 60_000}{n},1\n" for n in range(MAX_BYTES // 60_000 + 1))
    )
    result = use(table_analysis(), tmp_path, {"file": "wide.csv", "group_by": "a", "value": "b", "limit": 1000})
    assert not result.ok
    assert f"at most {MAX_BYTES}" in result.text
    assert [path.name for path in tmp_path.iterdir()] == ["wide.csv"]


def test_each_call_has_its_own_name(tmp_path: Path) -> None:
    assert file_name("table", context(tmp_path, "Step 2/call 1"), ".csv") == "table-step-2-call-1.csv"
