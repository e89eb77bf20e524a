"""A process is killed in the middle of an answer: nothing half-written stays, and what was set aside comes back."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import anyio

from app.bootstrap import open_platform
from app.ingestion.library import Library
from app.llm.spending import Spending
from app.settings import Settings
from tests.e2e.half_an_answer import CALLER, LIMIT, SENTENCE, ask, open_scripted

LEAVE = b"# Leave\n\nUp to five unused days move into the next year."
TABLES = ("answer_cache", "spend_ledger", "conversation_turn", "spend_reservation")


def kill_after_the_first_sentence(url: str) -> None:
    command = [sys.executable, "-m", "tests.e2e.half_an_answer", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout
        assert process.stdout.readline().strip() == SENTENCE.strip()
        process.send_signal(signal.SIGKILL)


def rows(database: sqlite3.Connection) -> list[int]:
    return [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]  # noqa: S608


def tokens_gone(settings: Settings) -> int:
    with open_scripted(settings.store.url, hangs=False) as platform:
        return round(Spending(platform.catalog.engine, platform.settings.budget).shares()["all"] * LIMIT)


def test_a_kill_in_the_middle_of_an_answer_leaves_nothing_behind(settings: Settings, tmp_path: Path) -> None:
    with open_platform(settings) as platform:
        anyio.run(Library(platform).add, "leave.md", LEAVE)
    kill_after_the_first_sentence(settings.store.url)
    with closing(sqlite3.connect(tmp_path / "app.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert rows(database) == [0, 0, 0, 1]
        assert tokens_gone(settings) > 800  # the longest answer was set aside
        database.execute("UPDATE spend_reservation SET lapses_at = '2026-01-01 00:00:00'")
        database.commit()
        with open_scripted(settings.store.url, hangs=False) as platform:
            anyio.run(ask, platform)
            (line,) = Spending(platform.catalog.engine, platform.settings.budget).lines(date.min)
        assert rows(database) == [1, 1, 1, 0]
    assert line.caller == CALLER
    assert tokens_gone(settings) == line.input_tokens + line.output_tokens
