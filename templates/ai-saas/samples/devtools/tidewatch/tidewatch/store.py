"""Keeps readings, alarms and offsets in one SQLite file."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tidewatch.errors import UnknownGauge
from tidewatch.readings import Reading

KEEP_DAYS = 400


class ReadingStore:
    """One writer, many readers: the file is in write-ahead mode."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=10)
        self._connection.execute("PRAGMA journal_mode=WAL")

    def add(self, readings: Iterable[Reading]) -> int:
        """Keep readings; one that is there already is left alone. Returns how many were new."""
        rows = [(r.gauge, r.at.isoformat(), r.level) for r in readings]
        with self._connection:
            cursor = self._connection.executemany("INSERT OR IGNORE INTO reading VALUES (?, ?, ?)", rows)
        return cursor.rowcount

    def latest(self, gauge: str) -> Reading:
        """The newest reading of a gauge.

        Raises:
            UnknownGauge: it never sent one.
        """
        query = "SELECT gauge, at, level FROM reading WHERE gauge = ? ORDER BY at DESC LIMIT 1"
        row = self._connection.execute(query, (gauge,)).fetchone()
        if row is None:
            raise UnknownGauge(f"{gauge!r} never sent a reading.", "`tidewatch status` lists the gauges.")
        return Reading(row[0], datetime.fromisoformat(row[1]), row[2])

    def silent(self, gauges: Iterable[str], minutes: int, now: datetime) -> list[str]:
        """The gauges whose newest reading is older than `minutes`."""
        limit = now - timedelta(minutes=minutes)
        return [gauge for gauge in gauges if self._newest_time(gauge) < limit]

    def backup(self, target: Path) -> None:
        """A consistent copy while the watcher goes on writing."""
        with sqlite3.connect(target) as copy:
            self._connection.backup(copy)

    def forget_old(self, now: datetime) -> int:
        """Delete readings older than 400 days; alarms stay."""
        limit = (now - timedelta(days=KEEP_DAYS)).isoformat()
        with self._connection:
            return self._connection.execute("DELETE FROM reading WHERE at < ?", (limit,)).rowcount

    def _newest_time(self, gauge: str) -> datetime:
        row = self._connection.execute("SELECT max(at) FROM reading WHERE gauge = ?", (gauge,)).fetchone()
        return datetime.fromisoformat(row[0]) if row[0] else datetime.min.replace(tzinfo=UTC)
