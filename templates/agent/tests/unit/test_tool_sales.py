"""The sales database has right figures on every machine and can only be read."""

import asyncio
import hashlib
import sqlite3
import time
from pathlib import Path

import pytest

from app.sales import generator
from app.sales.generator import FIRST_DAY, LAST_DAY, ensure_sample
from app.tools import sales
from app.tools.ports import Tool, ToolResult
from app.tools.sales import MAX_ROWS, SalesTools, to_csv
from tests.unit.tool_calls import context, sample_database, use

# Other figures mean other rows: raise VERSION in app/sales/generator.py with them.
LINES, REVENUE_CENTS, REFUND_CENTS = 120_000, 2_044_346_594, 32_215_260
TOP_OF_THE_LAST_QUARTER = ("Alba Two-Group Espresso Machine", 54_109_900)

CHANGES = {
    "delete": "DELETE FROM product",
    "update": "UPDATE product SET price_cents = 1",
    "insert": "INSERT INTO region VALUES (9, 'Moon')",
    "drop": "DROP TABLE orders",
    "create": "CREATE TABLE evil (x)",
    "temporary table": "CREATE TEMP TABLE evil (x)",
    "two statements": "SELECT 1; DELETE FROM product",
    "change hidden behind a comment": "SELECT 1 /* */; -- \n DROP TABLE orders",
    "change in a common table": "WITH x AS (SELECT 1) DELETE FROM product",
    "returning": "DELETE FROM product RETURNING *",
    "attach": "ATTACH '/tmp/other.db' AS other",
    "pragma": "PRAGMA writable_schema = 1",
    "pragma as a table": "SELECT * FROM pragma_database_list",
    "transaction": "BEGIN",
    "vacuum": "VACUUM INTO '/tmp/copy.db'",
    "extension": "SELECT load_extension('/tmp/evil.so')",
    "memory": "SELECT zeroblob(2000000000)",
    "long text": "SELECT printf('%.*c', 500000000, 'x')",
    "nothing": ";",
    "comment": "-- nothing",
    "null character": "SELECT 1\0; DELETE FROM product",
    "no such column": "SELECT turnover FROM sales",
}


@pytest.fixture(scope="module")
def query() -> Tool:
    return SalesTools(sample_database()).tools()[1]


def ask(tool: Tool, folder: Path, sql: str) -> ToolResult:
    return use(tool, folder, {"sql": sql})


def test_the_sample_has_the_same_figures_everywhere() -> None:
    with sqlite3.connect(sample_database()) as connection:
        lines, cents = connection.execute("SELECT count(*), sum(amount_cents) FROM order_line").fetchone()
        (refunds,) = connection.execute("SELECT sum(refund_cents) FROM returned").fetchone()
        days = connection.execute("SELECT min(day), max(day), count(DISTINCT substr(day, 1, 7)) FROM orders").fetchone()
        top = connection.execute(
            "SELECT p.name, sum(l.amount_cents) AS cents FROM order_line l JOIN orders o ON o.id = l.order_id "
            "JOIN product p ON p.id = l.product_id WHERE o.day >= '2026-07-01' GROUP BY p.id ORDER BY cents DESC"
        ).fetchone()
    connection.close()
    assert (lines, cents, refunds) == (LINES, REVENUE_CENTS, REFUND_CENTS)
    assert days == (FIRST_DAY.isoformat(), LAST_DAY.isoformat(), 18)
    assert top == TOP_OF_THE_LAST_QUARTER


def test_another_database_is_never_replaced_and_an_older_sample_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "ORDER_LINES", 500)
    own, older = tmp_path / "own.db", tmp_path / "older.db"
    for path, mark in ((own, 1), (older, 0x53414C45)):
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (x)")
            connection.execute(f"PRAGMA application_id = {mark}")
        connection.close()
        ensure_sample(path)
    tables = []
    for path in (own, older):
        connection = sqlite3.connect(path)
        tables.append({name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")})
        connection.close()
    assert tables[0] == {"mine"}
    assert "order_line" in tables[1]
    assert not list(tmp_path.glob(".*"))


def test_describing_names_every_column_and_the_days(tmp_path: Path) -> None:
    text = use(SalesTools(sample_database()).tools()[0], tmp_path).text
    assert "CREATE VIEW sales" in text
    assert "returned_quantity" in text
    assert "Days: 2025-04-01 to 2026-09-30." in text


def test_a_query_shows_the_first_rows_and_saves_all(query: Tool, tmp_path: Path) -> None:
    result = ask(
        query, tmp_path, "SELECT product, round(sum(revenue), 2) AS revenue FROM sales GROUP BY 1 ORDER BY 2 DESC"
    )
    assert result.ok
    assert result.artefacts == ("table-c1.csv",)
    saved = (tmp_path / "table-c1.csv").read_text().splitlines()
    assert len(saved) == 25
    assert result.text.splitlines()[1:] == saved[:21]


def test_a_repeated_call_writes_the_same_file(query: Tool, tmp_path: Path) -> None:
    assert [ask(query, tmp_path, "SELECT 1 AS one").artefacts for _ in range(2)] == [("table-c1.csv",)] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["table-c1.csv"]


@pytest.mark.parametrize("sql", CHANGES.values(), ids=CHANGES)
def test_nothing_but_one_select_is_done(query: Tool, tmp_path: Path, sql: str) -> None:
    before = hashlib.sha256(sample_database().read_bytes())
    result = ask(query, tmp_path, sql)
    assert not result.ok
    assert result.artefacts == ()
    assert hashlib.sha256(sample_database().read_bytes()).digest() == before.digest()


def test_an_endless_query_ends(query: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sales, "SECONDS", 0.1)
    started = time.monotonic()
    result = ask(
        query, tmp_path, "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    )
    assert "took longer than 0.1 s" in result.text
    assert time.monotonic() - started < 5


def test_more_rows_than_are_kept_are_told(query: Tool, tmp_path: Path) -> None:
    result = ask(query, tmp_path, "SELECT id FROM order_line")
    assert result.text.startswith(f"{MAX_ROWS} rows saved as table-c1.csv (only the first {MAX_ROWS} are kept")


def test_no_rows_are_no_file(query: Tool, tmp_path: Path) -> None:
    result = ask(query, tmp_path, "SELECT * FROM sales WHERE day > '2030-01-01'")
    assert (result.ok, result.text, result.artefacts) == (True, "The query found no rows.", ())


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    assert to_csv([["=cmd()", "-x", -1.5, None, b"\0", 0.1 + 0.2]]) == "'=cmd(),'-x,-1.5,,00,0.3\n"


def test_several_queries_at_once_do_not_disturb_each_other(query: Tool, tmp_path: Path) -> None:
    async def all_at_once() -> list[str]:
        calls = [query.work(query.arguments(sql=f"SELECT {n} AS n"), context(tmp_path, f"c{n}")) for n in range(8)]
        return [outcome.text.splitlines()[-1] for outcome in await asyncio.gather(*calls)]

    assert asyncio.run(all_at_once()) == [str(n) for n in range(8)]
