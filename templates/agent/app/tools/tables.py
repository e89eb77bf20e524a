"""`analyse_table`: group a saved table and add up, average or count one of its columns."""

import csv
import io
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from anyio import to_thread
from pydantic import BaseModel, Field

from app.tools.folder import file_name, read, save
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed
from app.tools.sales import SHOWN_ROWS, to_csv

Aggregate = Literal["sum", "mean", "median", "min", "max", "count"]
AGGREGATES: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "mean": lambda values: math.fsum(values) / len(values),
    "median": statistics.median,
    "min": min,
    "max": max,
    "count": len,
}


class Analysis(BaseModel, extra="forbid"):
    """What to make of a table."""

    file: str = Field(description="CSV file of this run, such as query_sales saves it")
    group_by: str = Field("", description="column whose equal values go together; empty takes all rows as one group")
    value: str = Field("", description="column of numbers; may be empty for count")
    aggregate: Aggregate = "sum"
    sort: Literal["desc", "asc", "none"] = Field(
        "desc", description="order by the result; none keeps the table's order"
    )
    limit: int = Field(50, ge=1, le=1000, description="groups kept, after sorting")


@dataclass(frozen=True)
class Table:
    """A CSV file's columns and rows; every row has a cell per column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> list[str]:
        """The cells of one column.

        Raises:
            ToolFailed: no such column.
        """
        if name not in self.columns:
            raise ToolFailed(f"There is no column {name[:100]!r}.", f"There are: {', '.join(self.columns)}.")
        position = self.columns.index(name)
        return [row[position] for row in self.rows]

    def numbers(self, name: str) -> list[float]:
        """The cells of one column as numbers; an empty cell is 0.

        Raises:
            ToolFailed: no such column, or a cell is no finite number.
        """
        return [_number(cell, name) for cell in self.column(name)]


def table_analysis() -> Tool:
    """The tool."""
    return Tool(
        "analyse_table",
        "Group the rows of a saved CSV file and sum, average or count a column. The result is saved as a CSV file.",
        Permission.READ,
        Analysis,
        _work,
    )


async def _work(arguments: Analysis, context: ToolContext) -> Outcome:
    return await to_thread.run_sync(_analyse, arguments, context, abandon_on_cancel=True)


def _analyse(arguments: Analysis, context: ToolContext) -> Outcome:
    table = load(context, arguments.file)
    if not arguments.value and arguments.aggregate != "count":
        raise ToolFailed(f"{arguments.aggregate} needs `value`.", f"Columns: {', '.join(table.columns)}.")
    values = table.numbers(arguments.value) if arguments.aggregate != "count" else [1.0] * len(table.rows)
    labels = table.column(arguments.group_by) if arguments.group_by else ["all"] * len(values)
    groups: dict[str, list[float]] = {}
    for label, value in zip(labels, values, strict=True):
        groups.setdefault(label, []).append(value)
    results = {label: AGGREGATES[arguments.aggregate](group) for label, group in groups.items()}
    order = list(results)
    if arguments.sort != "none":
        order.sort(key=lambda label: results[label], reverse=arguments.sort == "desc")
    head = [arguments.group_by or "group", f"{arguments.aggregate}_{arguments.value or 'rows'}"]
    rows = [head, *([label, results[label]] for label in order[: arguments.limit])]
    name = file_name("analysis", context, ".csv")
    files = save(context, {name: to_csv(rows)})
    total = f" of {len(order)}" if len(order) > arguments.limit else ""
    text = to_csv(rows[: SHOWN_ROWS + 1])
    return Outcome(f"{len(rows) - 1}{total} groups saved as {name}.\n{text}", files)


def load(context: ToolContext, name: str) -> Table:
    """A CSV file of the run as a table.

    Raises:
        ToolFailed: no such file, or it is no table.
    """
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(read(context, name, ".csv")), strict=True)]
    except csv.Error as error:
        raise ToolFailed(f"{name} is no CSV table: {error}.") from None
    if len(rows) < 2 or any(len(row) != len(rows[0]) for row in rows):
        raise ToolFailed(f"{name} is no table with a header and rows.")
    return Table(rows[0], tuple(rows[1:]))


def numeric(cells: Sequence[str]) -> bool:
    """Whether every cell reads as a number."""
    try:
        return all(math.isfinite(float(cell)) for cell in cells)
    except ValueError:
        return False


def _number(cell: str, column: str) -> float:
    try:
        value = float(cell or 0)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ToolFailed(f"{cell[:40]!r} in the column {column!r} is no number.")
    return value
