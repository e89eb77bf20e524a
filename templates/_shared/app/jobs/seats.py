"""Which worker processes are alive: each takes a numbered seat, which the database frees the moment the process ends.

A heartbeat would say so only after a while. The lock of a killed process is gone at once: SQLite's is the operating
system's, PostgreSQL's ends with the connection.
"""

import secrets
import sqlite3
from contextlib import closing
from itertools import count
from typing import Protocol

from app.stores.database import CONNECT_SECONDS

SEATS = 7_021_969  # any number that nothing else in the database locks together with a second one


class _Lock(Protocol):
    def close(self) -> None: ...


class Seat:
    """The first free seat of those at the database `url`, held until it is closed.

    `name` tells this process from an earlier one on the same seat.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._number, self._lock = next((n, lock) for n in count() if (lock := _lock_seat(url, n)))
        self.name = f"{self._number}-{secrets.token_hex(4)}"

    def outlived(self, name: str) -> bool:
        """Whether the process that was called `name` has ended. Who sits on another's seat now will say so itself."""
        number = int(name.partition("-")[0])
        if number == self._number:
            return name != self.name
        lock = _lock_seat(self._url, number)
        if lock is None:
            return False
        with closing(lock):
            return True

    def close(self) -> None:
        """Free the seat."""
        self._lock.close()


def _lock_seat(url: str, number: int) -> _Lock | None:
    """A connection that holds the seat, or None while another one does."""
    if url.startswith("postgresql://"):
        return _lock_in_postgresql(url, number)
    connection = sqlite3.connect(
        f"{url.removeprefix('sqlite:///')}.seat-{number}", timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        connection.close()
        return None
    return connection


def _lock_in_postgresql(url: str, number: int) -> _Lock | None:
    import psycopg  # here, because a laptop without PostgreSQL need not load it

    connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS)
    (locked,) = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (SEATS, number)).fetchone() or (False,)
    if locked:
        return connection
    connection.close()
    return None
