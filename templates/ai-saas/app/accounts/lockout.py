"""Slows down guessing: after a few failures in a row the next attempt has to wait, each time twice as long."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Engine

from app.accounts.tables import attempts
from app.errors import TooManyRequests
from app.stores.database import Housekeeping, insert_or_add

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)  # so that a stranger can delay an account's owner, but not lock them out
FORGOTTEN = timedelta(hours=24)
CLEANING_SECONDS = 3600.0


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Lockout:
    """Counts attempts before they are judged, so that many at once do not slip through together."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = now) -> None:
        self._engine = engine
        self._clock = clock
        self._cleaning = Housekeeping(CLEANING_SECONDS)

    def take(self, kind: str, who: str, free: int, forgotten: timedelta = FORGOTTEN) -> None:
        """Count one attempt of `who`; from the `free`-th in a row on the next one has to wait.

        A row ends after a success (`forgive`), or when nothing was tried for as long as `forgotten`.

        Raises:
            TooManyRequests: it has to wait still; this attempt does not count.
        """
        moment = self._clock()
        self._forget(moment)
        key = {"subject": _subject(kind, who), "last_at": moment, "locked_until": moment}
        with self._engine.begin() as connection:
            row = insert_or_add(connection, attempts, key, {"failures": 1})
            if row.locked_until > moment:
                wait = max(1, round((row.locked_until - moment).total_seconds()))
                raise TooManyRequests("Too many attempts.", wait)
            failures = 1 if moment - row.last_at > forgotten else row.failures
            until = moment + pause(failures, free)
            change = attempts.update().where(attempts.c.subject == key["subject"])
            connection.execute(change.values(failures=failures, last_at=moment, locked_until=until))

    def forgive(self, kind: str, who: str) -> None:
        """Forget the attempts of `who`, who proved to be right."""
        with self._engine.begin() as connection:
            connection.execute(attempts.delete().where(attempts.c.subject == _subject(kind, who)))

    def _forget(self, moment: datetime) -> None:
        if self._cleaning.due():
            with self._engine.begin() as connection:
                connection.execute(attempts.delete().where(attempts.c.last_at < moment - FORGOTTEN))


def pause(failures: int, free: int) -> timedelta:
    """How long the next attempt waits after so many failures in a row: 0, then 30 s doubled up to 15 minutes."""
    if failures < free:
        return timedelta(0)
    return min(FIRST_PAUSE * 2 ** min(failures - free, 10), LONGEST_PAUSE)


def _subject(kind: str, who: str) -> str:
    return hashlib.sha256(f"{kind}/{who}".encode()).hexdigest()
