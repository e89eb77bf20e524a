"""Lock-out: each failure after the free ones makes the next attempt wait longer, also for many at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from app.accounts.lockout import Lockout, pause
from app.accounts.tables import attempts
from app.errors import TooManyRequests
from app.stores.database import open_database
from app.tenancy.tables import metadata


class Clock:
    """A time that moves when the test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/app.db")
    metadata.create_all(opened, tables=[attempts])
    yield opened
    opened.dispose()


def refused(lockout: Lockout, who: str = "ada") -> bool:
    try:
        lockout.take("account", who, 3)
    except TooManyRequests:
        return True
    return False


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (2, 0), (3, 30), (4, 60), (5, 120), (8, 900), (10_000, 900)])
def test_pauses_double_up_to_a_quarter_of_an_hour(failures: int, seconds: int) -> None:
    assert pause(failures, free=3) == timedelta(seconds=seconds)


def test_after_the_free_attempts_the_next_one_waits(engine: Engine) -> None:
    clock = Clock()
    lockout = Lockout(engine, clock)
    assert [refused(lockout) for _ in range(4)] == [False, False, False, True]
    clock.now += timedelta(seconds=29)
    assert refused(lockout)
    clock.now += timedelta(seconds=2)
    assert [refused(lockout), refused(lockout)] == [False, True]
    clock.now += timedelta(seconds=31)
    assert refused(lockout), "the second pause is longer"


def test_a_refused_attempt_does_not_make_the_wait_longer(engine: Engine) -> None:
    clock = Clock()
    lockout = Lockout(engine, clock)
    for _ in range(20):
        refused(lockout)
    clock.now += timedelta(seconds=31)
    assert not refused(lockout)


def test_others_do_not_wait(engine: Engine) -> None:
    lockout = Lockout(engine, Clock())
    for _ in range(4):
        refused(lockout, "ada")
    assert not refused(lockout, "bob")


def test_who_is_right_begins_anew_and_so_does_who_waits_a_day(engine: Engine) -> None:
    clock = Clock()
    lockout = Lockout(engine, clock)
    for _ in range(3):
        refused(lockout)
    lockout.forgive("account", "ada")
    assert [refused(lockout) for _ in range(4)] == [False, False, False, True]
    clock.now += timedelta(hours=25)
    assert [refused(lockout) for _ in range(4)] == [False, False, False, True]


def test_many_at_once_get_no_more_attempts_than_one_after_another(engine: Engine) -> None:
    lockout = Lockout(engine, Clock())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refused(lockout), range(40)))
    assert answers.count(False) == 3
