"""A durable queue by DBOS: a job that was put is done, whichever process is killed in between.

Importing this module loads DBOS, which takes half a second: do so where workers run, not in the command line.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from anyio import to_thread
from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID

from app.jobs.seats import Seat

QUEUE = "jobs"
# DBOS runs a job only on the application version that it was put by. A job is no more than a key, which every version
# of the service understands, so this stays as it is and an update leaves nothing behind.
VERSION = "1"
JOBS_AT_ONCE = 8
POLL_SECONDS = 0.25
WATCH_SECONDS = 5.0
KEEP_FINISHED = timedelta(hours=1)
DRAIN_SECONDS = 10
RETRIES = {"name": "work", "retries_allowed": True, "max_attempts": 10, "interval_seconds": 1.0, "backoff_rate": 2.0}
UNFINISHED = ["ENQUEUED", "DELAYED", "PENDING"]

log = logging.getLogger(__name__)


class JobQueue:
    """Calls `work(key)` for every key that was put, on the event loop that entered this queue. One for each process.

    Jobs with the same key run one after the other, on all processes together. A job that fails is tried again after 1,
    2, 4 … seconds; one whose process was killed begins anew in another: `work` must not mind being called twice.
    `waiting` tells, at the start, which keys have work left, so that not even losing the queue's database loses a job.
    Each process does `at_once` jobs at a time.
    """

    def __init__(
        self,
        store_url: str,
        work: Callable[[str], Awaitable[None]],
        waiting: Callable[[], Sequence[str]],
        at_once: int = JOBS_AT_ONCE,
    ) -> None:
        self._url = jobs_url(store_url)
        self._work = work
        self._waiting = waiting
        self._at_once = at_once

    async def __aenter__(self) -> Self:
        global _running
        if _running is not None:
            raise RuntimeError("DBOS allows one queue in a process, and another one is open.")
        self._seat = await to_thread.run_sync(Seat, self._url)
        silence_console()
        DBOS(config=_config(self._url, self._seat.name))
        DBOS.launch()  # here and not in a thread: jobs run on the event loop that it is called from
        _running = self
        await to_thread.run_sync(self._begin)
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _running
        self._watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watcher
        await to_thread.run_sync(_stop)
        _running = None
        self._seat.close()

    def put(self, key: str) -> None:
        """Have `work(key)` done; when this returns, it will be."""
        with SetWorkflowID(f"{key}:{uuid.uuid4()}"), SetEnqueueOptions(queue_partition_key=key):
            DBOS.enqueue_workflow(QUEUE, _job, key)

    def drop(self, prefix: str) -> None:
        """Forget the jobs whose keys begin with `prefix`, done ones too; one that runs ends first and stays an hour."""
        jobs = DBOS.list_workflows(workflow_id_prefix=prefix, load_input=False, load_output=False)
        DBOS.delete_workflows([job.workflow_id for job in jobs if job.status != "PENDING"])

    def oldest_wait_seconds(self) -> float:
        """How long the job has waited that nobody has begun for longest; 0 when none waits."""
        waiting = DBOS.list_workflows(status="ENQUEUED", queue_name=QUEUE, limit=1, load_input=False, load_output=False)
        since = min((job.created_at for job in waiting if job.created_at), default=None)
        return max(time.time() - since / 1000, 0.0) if since else 0.0

    async def work(self, key: str) -> None:
        """Do one job."""
        await self._work(key)

    def _begin(self) -> None:
        """Listen for jobs, take up those of processes that ended, and put what waits without a job."""
        DBOS.register_queue(
            QUEUE,
            partition_concurrency=1,
            worker_concurrency=self._at_once,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )
        self._adopt()
        jobs = DBOS.list_workflows(status=UNFINISHED, queue_name=QUEUE, load_input=False, load_output=False)
        queued = {job.workflow_id.rpartition(":")[0] for job in jobs}
        for key in self._waiting():
            if key not in queued:
                self.put(key)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await to_thread.run_sync(self._adopt)
            except Exception:  # the database may be away for a while; the next round tries again
                log.warning("cannot look after the jobs", exc_info=True)

    def _adopt(self) -> None:
        """Queue the jobs of processes that ended once more, and forget those that were done a while ago."""
        running = DBOS.list_workflows(status="PENDING", queue_name=QUEUE, load_input=False, load_output=False)
        left = {job.executor_id for job in running if job.executor_id and self._seat.outlived(job.executor_id)}
        if orphans := [job.workflow_id for job in running if job.executor_id in left]:
            log.warning("%d jobs of a process that ended are taken up again", len(orphans))
            DBOS.resume_workflows(orphans, queue_name=QUEUE)
        past = (datetime.now(UTC) - KEEP_FINISHED).isoformat()
        done = DBOS.list_workflows(queue_name=QUEUE, completed_before=past, limit=500, load_input=False)
        if done:
            DBOS.delete_workflows([job.workflow_id for job in done])


def jobs_url(store_url: str) -> str:
    """Where the queue is kept: PostgreSQL holds it in a schema of its own, beside SQLite's file stands another."""
    if not store_url.startswith("sqlite:///"):
        return store_url
    path = Path(store_url.removeprefix("sqlite:///"))
    return f"sqlite:///{path.with_name(f'{path.stem}-jobs.db')}"


_running: JobQueue | None = None  # DBOS knows its functions by name, so a job has to find its queue from here


@DBOS.workflow(name="job", max_recovery_attempts=None)
async def _job(key: str) -> None:
    await DBOS.run_step_async(RETRIES, _attempt, key)


async def _attempt(key: str) -> None:
    if _running is None:
        raise RuntimeError("The queue is closed.")
    await _running.work(key)


def _config(url: str, executor: str) -> DBOSConfig:
    return {
        "name": "app-jobs",
        "system_database_url": url,
        "application_version": VERSION,
        "executor_id": executor,
        "sys_db_pool_size": 5,
        "notification_listener_polling_interval_sec": 0.1,  # how long a stop may take; there are no notifications
        "enable_otlp": False,
        "log_level": "WARNING",
    }


def silence_console() -> None:
    """DBOS greets on the console unless its logger has a handler; warnings go where all logs go."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.addFilter(_tells_news)


def _tells_news(record: logging.LogRecord) -> bool:
    """False for a job that DBOS took up at the moment of the stop: the next start takes it up again."""
    error = record.exc_info[1] if record.exc_info else None
    return "cannot schedule new futures after shutdown" not in str(error)


def _stop() -> None:
    """Take up no more jobs and let running ones end; what does not end in time is taken up at the next start."""
    busy = DBOS.list_workflows(status="PENDING", executor_id=DBOS.executor_id, limit=1, load_input=False)
    DBOS.destroy(workflow_completion_timeout_sec=DRAIN_SECONDS if busy else 0)
