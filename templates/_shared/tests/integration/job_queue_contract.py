"""What the job queue promises on every database, as tests. A test module per database says where it is."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from dbos import DBOS

from app.jobs import queue
from app.jobs.queue import JobQueue, jobs_url
from app.jobs.seats import Seat


class Work:
    """Notes what was done; `fail` says how often the first attempts fail."""

    def __init__(self, fail: int = 0, seconds: float = 0.0) -> None:
        self.done: list[str] = []
        self.running: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self._fail = fail
        self._seconds = seconds

    async def __call__(self, key: str) -> None:
        self.running[key] += 1
        self.most_at_once[key] = max(self.most_at_once[key], self.running[key])
        await asyncio.sleep(self._seconds)
        self.running[key] -= 1
        if self._fail:
            self._fail -= 1
            raise ConnectionError("not yet")
        self.done.append(key)


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


def wait_until(condition: Callable[[], bool]) -> None:
    """A server frees the lock of a closed connection a moment later."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def nothing_waits() -> list[str]:
    return []


def known_jobs() -> dict[str, str]:
    """How each job stands that the queue remembers, by its key."""
    return {job.workflow_id.rpartition(":")[0]: job.status for job in DBOS.list_workflows()}


class JobQueueContract:
    """Inherit it and define the fixture `url`: an empty database."""

    def test_a_job_that_was_put_is_done_once(self, url: str) -> None:
        work = Work()

        async def main() -> None:
            async with JobQueue(url, work, nothing_waits) as jobs:
                for key in ("a", "b", "c"):
                    await asyncio.to_thread(jobs.put, key)
                await until(lambda: len(work.done) == 3)

        asyncio.run(main())
        assert sorted(work.done) == ["a", "b", "c"]

    def test_how_long_the_oldest_job_has_waited_is_known(self, url: str) -> None:
        work, release = Work(), asyncio.Event()

        async def blocked(key: str) -> None:
            await release.wait()
            await work(key)

        async def main() -> None:
            async with JobQueue(url, blocked, nothing_waits) as jobs:
                assert await asyncio.to_thread(jobs.oldest_wait_seconds) == 0
                for _ in range(2):  # of one key, so the second waits for the first
                    await asyncio.to_thread(jobs.put, "a")
                await asyncio.sleep(0.5)
                assert 0.3 < await asyncio.to_thread(jobs.oldest_wait_seconds) < 30
                release.set()
                await until(lambda: len(work.done) == 2)
                assert await asyncio.to_thread(jobs.oldest_wait_seconds) == 0

        asyncio.run(main())

    def test_jobs_with_the_same_key_run_one_after_the_other(self, url: str) -> None:
        work = Work(seconds=0.05)

        async def main() -> None:
            async with JobQueue(url, work, nothing_waits) as jobs:
                for key in ("a", "b", "a", "b", "a"):
                    await asyncio.to_thread(jobs.put, key)
                await until(lambda: len(work.done) == 5)

        asyncio.run(main())
        assert work.most_at_once == {"a": 1, "b": 1}

    def test_a_job_that_fails_is_tried_again_after_a_while(self, url: str) -> None:
        work = Work(fail=1)

        async def main() -> float:
            async with JobQueue(url, work, nothing_waits) as jobs:
                await asyncio.to_thread(jobs.put, "a")
                await until(lambda: work.most_at_once)
                failed = time.monotonic()
                await until(lambda: work.done)
                return time.monotonic() - failed

        assert asyncio.run(main()) > 0.8

    def test_what_waits_without_a_job_is_put_at_the_start(self, url: str) -> None:
        work = Work()

        async def main() -> None:
            async with JobQueue(url, work, lambda: ["lost"]):
                await until(lambda: work.done)
                await asyncio.sleep(1)

        asyncio.run(main())
        assert work.done == ["lost"]

    def test_jobs_of_a_process_that_ended_are_taken_up_by_one_that_runs(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queue, "WATCH_SECONDS", 0.2)
        monkeypatch.setattr(queue, "DRAIN_SECONDS", 0)
        stuck, work = Work(seconds=60), Work()

        async def leave_behind() -> None:
            async with JobQueue(url, stuck, nothing_waits) as jobs:
                await asyncio.to_thread(jobs.put, "a")
                await until(lambda: stuck.running["a"])

        async def take_up() -> None:
            async with JobQueue(url, work, lambda: ["a"]):
                await asyncio.sleep(1.5)
                assert work.done == []  # the process on the other seat is alive as far as anybody can tell
                other.close()
                await until(lambda: work.done)
                await asyncio.sleep(1)

        asyncio.run(leave_behind())
        with closing(Seat(jobs_url(url))) as other:
            asyncio.run(take_up())
        assert work.done == ["a"]

    def test_jobs_that_are_dropped_leave_nothing(self, url: str) -> None:
        work = Work()

        async def main() -> list[str]:
            async with JobQueue(url, work, nothing_waits) as jobs:
                for key in ("one:a", "one:b", "two:a"):
                    await asyncio.to_thread(jobs.put, key)
                await until(lambda: len(work.done) == 3)
                while "PENDING" in (known := await asyncio.to_thread(known_jobs)).values():
                    await asyncio.sleep(0.02)
                assert sorted(known) == ["one:a", "one:b", "two:a"]
                await asyncio.to_thread(jobs.drop, "one:")
                return list(await asyncio.to_thread(known_jobs))

        assert asyncio.run(main()) == ["two:a"]

    def test_an_idle_queue_stops_at_once(self, url: str) -> None:
        async def main() -> float:
            async with JobQueue(url, Work(), nothing_waits):
                await asyncio.sleep(1.2)
                started = time.monotonic()
            return time.monotonic() - started

        assert asyncio.run(main()) < 3

    def test_one_process_has_one_queue(self, url: str) -> None:
        async def main() -> None:
            async with JobQueue(url, Work(), nothing_waits):
                with pytest.raises(RuntimeError, match="one queue"):
                    await JobQueue(url, Work(), nothing_waits).__aenter__()

        asyncio.run(main())

    def test_a_seat_tells_who_has_ended(self, url: str) -> None:
        place = jobs_url(url)
        with closing(Seat(place)) as first:
            second = Seat(place)
            assert (first.name[0], second.name[0]) == ("0", "1")
            assert not first.outlived(first.name)
            assert not first.outlived(second.name)
            assert first.outlived("0-earlier")
            second.close()
            wait_until(lambda: first.outlived(second.name))
            with closing(Seat(place)) as third:
                assert third.name[0] == "1"
                assert third.outlived(second.name)
