"""Spreads work over processes of this machine, or over a Dask cluster, with bounded memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from shipfolio.errors import ShipfolioError, UsageError

BATCH = 8
WAITING_PER_WORKER = 3
DASK = "dask://"
DASK_SECONDS = 20
Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[list[Item]], list[Result]]
Lost = Callable[[Item, str], Result]


@dataclass(frozen=True)
class Crew:
    """How many work, and where: `executor` is empty for processes here, or dask://HOST:PORT."""

    jobs: int = 0
    executor: str = ""

    def __post_init__(self) -> None:
        """Refuse an executor that there is not."""
        if self.executor and not self.executor.startswith(DASK):
            raise UsageError(
                f"there is no executor {self.executor!r}", "write --executor dask://HOST:PORT, or leave it out"
            )

    @property
    def workers(self) -> int:
        """The number of processes on this machine."""
        return self.jobs or os.cpu_count() or 1


def spread(crew: Crew, work: Work[Item, Result], items: Sequence[Item], lost: Lost[Item, Result]) -> Iterator[Result]:
    """`work` on batches of the items, results as they come. What a batch loses with its process, `lost` describes.

    A few items are done right here. Only a few batches wait at a time, so memory does not grow with the items.
    """
    batches = (list(items[at : at + BATCH]) for at in range(0, len(items), BATCH))
    if not crew.executor and (crew.workers == 1 or len(items) <= BATCH):
        for batch in batches:
            yield from work(batch)
        return
    with _executor(crew, len(items)) as (executor, workers):
        running: dict[Future[list[Result]], list[Item]] = {}
        for batch in batches:
            running[executor.submit(work, batch)] = batch
            if len(running) >= workers * WAITING_PER_WORKER:
                yield from _finished(running, lost)
        while running:
            yield from _finished(running, lost)


def _finished(running: dict[Future[list[Result]], list[Item]], lost: Lost[Item, Result]) -> Iterator[Result]:
    """The results of what is done by now; waits for at least one."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        batch = running.pop(future)
        error = future.exception()
        if error is None:
            yield from future.result()
        else:
            yield from (lost(item, f"its worker stopped: {type(error).__name__} {error}".strip()) for item in batch)


@contextmanager
def _executor(crew: Crew, items: int) -> Iterator[tuple[Executor, int]]:
    if crew.executor:
        with _dask(crew.executor) as pair:
            yield pair
        return
    workers = min(crew.workers, -(-items // BATCH))
    fresh = multiprocessing.get_context("spawn")  # a fork would copy threads' locks; this is the same everywhere
    pool = ProcessPoolExecutor(workers, mp_context=fresh, initializer=_settle_in)
    try:
        yield pool, workers
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _settle_in() -> None:
    """A worker leaves Ctrl-C to its parent, and goes when the parent is gone, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


@contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, int]]:
    """The cluster at dask://HOST:PORT. Its workers need this package and the same folders."""
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("Dask is not installed", "install it with `pip install 'shipfolio[dask]'`") from None
    try:
        client = Client("tcp://" + address.removeprefix(DASK), timeout=DASK_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ShipfolioError(f"no Dask scheduler answers at {address!r}: {error}", "start one, or check it") from None
    with client, client.get_executor(pure=False) as executor:
        yield executor, max(1, sum(client.nthreads().values()))
