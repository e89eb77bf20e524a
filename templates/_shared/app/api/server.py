"""Runs the HTTP service in one process, or in several that share one listening socket."""

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess, parent_process
from pathlib import Path

import structlog
import uvicorn
from anyio import to_thread

from app.bootstrap import open_platform
from app.errors import ConfigurationError
from app.observability.logs import configure_logs
from app.observability.workers import WorkerMetrics
from app.settings import Settings

log = structlog.get_logger()
KEEP_ALIVE_SECONDS = 75  # longer than load balancers keep a connection, or they send into one that closes
THREADS = 16  # for calls that wait for a database: as many as its pool has connections
M_ARENA_MAX = -8  # from glibc's malloc.h
REST_SECONDS = 1.0  # before a worker that died is replaced, so that a defect at its start does not burn the CPU


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, before anything is opened or announced.

    Raises:
        ConfigurationError: the address is taken or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror}.", "Choose another: `make serve PORT=8001`."
        ) from None
    with opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or a response's second packet waits 40 ms
        yield opened


def serve(settings: Settings, opened: socket.socket) -> None:
    """Answer requests until a signal says stop. This process is the first worker and looks after the others."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it again, and all is to be closed then
    if settings.api.workers == 1:
        _work(settings, opened, None)
        return
    with tempfile.TemporaryDirectory(prefix="app-") as folder:
        stopping = threading.Event()
        keepers = [
            threading.Thread(target=_keep_running, args=(settings, opened, Path(folder, f"worker-{n}"), stopping))
            for n in range(2, settings.api.workers + 1)
        ]
        for keeper in keepers:
            keeper.start()
        try:
            _work(settings, opened, Path(folder, "worker-1"))
        finally:
            stopping.set()
            for keeper in keepers:
                keeper.join()


class Worker(uvicorn.Server):
    """A server that gives back, once it has started, the memory that only starting needed: about 30 MB."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then sort what stays from what goes."""
        await super().startup(sockets)
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        gc.collect()
        gc.freeze()  # what lives now lives for ever, so later collections need not look at it
        if sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)


def _work(settings: Settings, opened: socket.socket, metrics: Path | None) -> None:
    """One worker, from open platform to closed platform; `metrics` is where other workers ask for its numbers."""
    from app.api.application import create_app

    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)  # or each thread keeps free memory of its own
    with open_platform(settings, worker=metrics.name if metrics else "") as platform, contextlib.ExitStack() as stack:
        app = create_app(platform)
        if metrics:
            numbers = stack.enter_context(
                contextlib.closing(WorkerMetrics(platform.telemetry, metrics.parent, metrics.name))
            )
            app.state.exposition = numbers.exposition
        with contextlib.suppress(KeyboardInterrupt):
            Worker(uvicorn.Config(app, log_config=None, timeout_keep_alive=KEEP_ALIVE_SECONDS)).run([opened])


def _keep_running(settings: Settings, opened: socket.socket, metrics: Path, stopping: threading.Event) -> None:
    """Another worker, replaced when it dies, stopped when this process stops."""
    spawn = multiprocessing.get_context("spawn")
    while not stopping.is_set():
        worker = spawn.Process(target=_run_worker, args=(settings, opened, metrics), name=metrics.name)
        worker.start()
        _watch(worker, stopping)
        if not stopping.is_set():
            log.error("worker died, another one starts", worker=metrics.name, exit_code=worker.exitcode)
            stopping.wait(REST_SECONDS)


def _watch(worker: BaseProcess, stopping: threading.Event) -> None:
    """Return when the worker has ended, by itself or because everything stops."""
    while worker.is_alive() and not stopping.is_set():
        worker.join(0.2)
    if worker.is_alive():
        worker.terminate()
    worker.join()


def _run_worker(settings: Settings, opened: socket.socket, metrics: Path) -> None:
    """The main function of a further worker; it ends with the process that started it, however that ended."""
    configure_logs(settings.log)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    _work(settings, opened, metrics)
    sys.exit(0)


def _stop_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
