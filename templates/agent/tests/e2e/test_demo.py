"""`app demo`: its report says what plain SQL says, and its e-mail stays in the outbox."""

import email
import re
import sqlite3
from email import policy
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from app.demo import GOAL, quiet_and_local
from app.product_settings import MailSettings
from app.settings import Settings
from tests.unit.tool_calls import sample_database

ROW = re.compile(r"^\| ([^|]+?) \| ([\d,]+) \|$", re.MULTILINE)
BY_PRODUCT = """
SELECT p.name, sum(l.amount_cents) FROM order_line l JOIN orders o ON o.id = l.order_id
JOIN product p ON p.id = l.product_id WHERE o.day BETWEEN '2026-07-01' AND '2026-09-30'
GROUP BY p.id ORDER BY 2 DESC LIMIT 10
"""
BY_MONTH = """
SELECT substr(o.day, 1, 7), sum(l.amount_cents) FROM order_line l JOIN orders o ON o.id = l.order_id
WHERE o.day BETWEEN '2026-07-01' AND '2026-09-30' GROUP BY 1 ORDER BY 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo works."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def done(folder: Path) -> Result:
    """The demo, run once for all tests of this file."""
    environment = {
        "APP_STORE__URL": f"sqlite:///{folder}/app.db",
        "APP_SALES__DATABASE": str(sample_database()),
        "APP_AGENT__FOLDER": str(folder / "runs"),
        "APP_MAIL__OUTBOX": str(folder / "outbox"),
        "APP_MAIL__HOST": "mail.invalid",  # would fail if the demo used it
    }
    return CliRunner().invoke(cli, ["demo"], env=environment)


@pytest.fixture
def report(done: Result, folder: Path) -> str:
    """The report that the demo wrote."""
    assert done.exit_code == 0, done.output
    (path,) = folder.glob("runs/*/report.md")
    return path.read_text("utf-8")


def test_it_tells_the_plan_the_steps_and_the_end(done: Result) -> None:
    assert done.exit_code == 0, done.output
    assert GOAL in done.output
    assert "1. Query the sales (research)" in done.output
    assert "send_email waits for a person; the demo approves it" in done.output
    assert "succeeded: E-mail: sent to management@" in done.output


@pytest.mark.parametrize("query", [BY_PRODUCT, BY_MONTH], ids=["products", "months"])
def test_every_figure_of_the_report_is_what_sql_says(report: str, query: str) -> None:
    with sqlite3.connect(sample_database()) as connection:
        expected = [(name, f"{cents / 100:,.0f}") for name, cents in connection.execute(query)]
    rows = ROW.findall(report)
    assert len(expected) >= 3
    assert [row for row in rows if row in expected] == expected


def test_the_charts_of_the_report_are_there(report: str, folder: Path) -> None:
    charts = re.findall(r"!\[[^\]]+\]\((.+\.svg)\)", report)
    assert len(charts) == 2
    assert all(list(folder.glob(f"runs/*/{chart}")) for chart in charts)


def test_one_email_with_the_report_lies_in_the_outbox(done: Result, folder: Path) -> None:
    (path,) = folder.glob("outbox/*.eml")
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert str(message["To"]).startswith("management@")
    assert [part.get_filename() for part in message.iter_attachments()] == ["report.html"]
    assert str(path.name) in done.output


def test_no_setting_lets_the_demo_send_for_real() -> None:
    settings = Settings(mail=MailSettings(host="mail.example.com"))
    assert not quiet_and_local(settings).mail.host
