"""Metrics of several processes on one page: whichever worker is asked, all of them answer.

Each worker keeps its own counters, and a load balancer or the kernel decides which worker a scrape reaches. So the
one that is reached asks the others over local sockets. Every series names its worker in `service_instance_id`.
"""

import re
from collections.abc import Iterable
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Thread

from app.observability.telemetry import Telemetry

PATIENCE_SECONDS = 2.0
FAMILY = re.compile(r"^# HELP (\S+).*\n(?:[^#\n].*\n|# TYPE .*\n|\n)*", re.MULTILINE)


class WorkerMetrics:
    """Answers for this worker, and reads the others'; `folder` holds one socket per worker."""

    def __init__(self, telemetry: Telemetry, folder: Path, worker: str) -> None:
        self._telemetry = telemetry
        self._own = folder / worker
        self._own.unlink(missing_ok=True)  # left behind by a worker that was killed
        self._listener = Listener(str(self._own))
        Thread(target=self._answer, daemon=True, name="metrics").start()

    def exposition(self) -> bytes:
        """The metrics of all workers that run, in Prometheus text format."""
        others = sorted(path for path in self._own.parent.iterdir() if path != self._own)
        return merged([self._telemetry.exposition(), *(text for path in others for text in _asked(path))])

    def close(self) -> None:
        """Stop answering."""
        self._listener.close()

    def _answer(self) -> None:
        while True:
            try:
                with self._listener.accept() as connection:
                    connection.send_bytes(self._telemetry.exposition())
            except OSError:  # closed, or the one who asked has gone
                if not self._own.exists():
                    return


def merged(texts: Iterable[bytes]) -> bytes:
    """One text with each metric's description once and the samples of all texts below it."""
    families: dict[str, str] = {}
    for text in texts:
        for match in FAMILY.finditer(text.decode()):
            name, block = match[1], match[0]
            families[name] = families[name] + _samples(block) if name in families else block
    return "".join(families.values()).encode()


def _samples(family: str) -> str:
    return "".join(line for line in family.splitlines(keepends=True) if not line.startswith("#"))


def _asked(path: Path) -> Iterable[bytes]:
    """The other worker's metrics; nothing from one that has just died or hangs."""
    try:
        with Client(str(path)) as connection:
            if connection.poll(PATIENCE_SECONDS):
                yield connection.recv_bytes()
    except (OSError, EOFError):
        return
