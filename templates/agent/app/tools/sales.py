"""`describe_sales` and `query_sales`: what was sold, by one SELECT that can change nothing."""

import csv
import io
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from anyio import to_thread
from pydantic import BaseModel, Field

from app.sales.generator import ensure_sample
from app.tools.folder import file_name, save
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed

SCHEMA = "SELECT sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
# Unlike min and max, which would join every row of the view, these stop at the first one of the index.
DAYS = "SELECT (SELECT day FROM sales ORDER BY day LIMIT 1), (SELECT day FROM sales ORDER BY day DESC LIMIT 1)"
MAX_ROWS = 10_000
SHOWN_ROWS = 20
SECONDS = 5.0
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,  # of one text, so that no function can fill the memory
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
FORBIDDEN_FUNCTIONS = {"load_extension", "randomblob", "zeroblob", "printf", "format"}  # code, or memory at will
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet takes a text for a formula


class Nothing(BaseModel, extra="forbid"):
    """No arguments."""


class Query(BaseModel, extra="forbid"):
    """One question to the sales database."""

    sql: str = Field(description="one SELECT for SQLite; money is in euros in the view `sales`", min_length=1)


class SalesTools:
    """The two tools over one SQLite file, which is made from the sample where it is missing."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def tools(self) -> list[Tool]:
        """Both tools."""
        return [
            Tool(
                "describe_sales",
                "The tables and columns of the sales database, and which days it covers.",
                Permission.READ,
                Nothing,
                self.describe,
                attempts=2,
            ),
            Tool(
                "query_sales",
                "Read the sales database with one SELECT. The rows are saved as a CSV file for the other tools, "
                f"and the first {SHOWN_ROWS} are shown.",
                Permission.READ,
                Query,
                self.query,
                attempts=2,
            ),
        ]

    async def describe(self, nothing: Nothing, context: ToolContext) -> Outcome:
        """The schema as SQL, and the line `Days: FIRST to LAST.`"""
        _, schema = await self._run(SCHEMA)
        _, ((first, last),) = await self._run(DAYS)
        text = ";\n".join(str(sql) for (sql,) in schema)
        return Outcome(f"{text};\nDays: {first} to {last}. The last day counts as today.")

    async def query(self, query: Query, context: ToolContext) -> Outcome:
        """The rows as a CSV file in the run's folder, and the first of them as text."""
        columns, rows = await self._run(query.sql)
        if not rows:
            return Outcome("The query found no rows.")
        kept = rows[:MAX_ROWS]
        more = f" (only the first {MAX_ROWS} are kept; group or filter)" if len(rows) > MAX_ROWS else ""
        name = file_name("table", context, ".csv")
        files = await to_thread.run_sync(save, context, {name: to_csv([columns, *kept])})
        shown = to_csv([columns, *kept[:SHOWN_ROWS]])
        part = f" The first {SHOWN_ROWS}:" if len(kept) > SHOWN_ROWS else ""
        return Outcome(f"{len(kept)} rows saved as {name}{more}.{part}\n{shown}", files)

    async def _run(self, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
        return await to_thread.run_sync(self._read, sql, abandon_on_cancel=True)

    def _read(self, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
        """Column names and at most one row more than MAX_ROWS.

        Raises:
            ToolFailed: it is no single SELECT, SQLite refuses it, or it takes too long.
            ConfigurationError: there is no database and none can be made.
        """
        ensure_sample(self._database)
        deadline = time.monotonic() + SECONDS
        with closing(sqlite3.connect(f"{self._database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            for limit, value in LIMITS.items():
                connection.setlimit(limit, value)
            connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
            connection.set_authorizer(_authorize)
            try:
                cursor = connection.execute(sql)
                rows = cursor.fetchmany(MAX_ROWS + 1)
            except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
                raise ToolFailed(_explained(error), "describe_sales shows the tables and columns.") from None
            if not cursor.description:
                raise ToolFailed("There is no SELECT in the query.", "Send exactly one SELECT.")
        return [column[0] for column in cursor.description], rows


def to_csv(rows: Sequence[Sequence[object]]) -> str:
    """Rows as CSV; fractions with at most six digits, texts that a spreadsheet would calculate with a leading `'`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, bytes):
        return value.hex()
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    function = second if action == sqlite3.SQLITE_FUNCTION else None
    allowed = action in ALLOWED and (function or "").lower() not in FORBIDDEN_FUNCTIONS
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _explained(error: Exception) -> str:
    text = str(error)
    if "not authorized" in text or "prohibited" in text or "one statement" in text:
        return "Only one SELECT is allowed, nothing that changes or opens anything."
    if "interrupted" in text:
        return f"The query took longer than {SECONDS:g} s. Ask for less, or filter first."
    return f"SQLite refused the query: {text}."
