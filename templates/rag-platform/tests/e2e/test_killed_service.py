"""The service is killed while it reads documents, as a power cut would: nothing is lost and nothing doubled."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

KEY = "test-key"
COUNT = 30
PAGES = 40  # enough that reading one takes longer than a test needs to notice that work has begun
SENTENCE = "Locker {document} on page {page} opens with code {document}-{page} and closes by itself after a while. "


class Service:
    """`app serve` as a process of its own on one folder, killed and started again at will."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = port = free.getsockname()[1]
        self._log = (folder / "serve.log").open("ab")
        self._environment = {
            **os.environ, "APP_STORE__URL": f"sqlite:///{folder}/app.db", "APP_API__PAGE_KEY": KEY,
            "APP_API__REQUESTS_PER_MINUTE": "100000", "APP_QUALITY__REEVALUATE": "never", "NO_COLOR": "1",
        }  # fmt: skip
        self._processes: list[subprocess.Popen[bytes]] = []
        self.client = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}/v1", headers={"Authorization": f"Bearer {KEY}"}, timeout=30
        )

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(self._port)]
        process = subprocess.Popen(command, env=self._environment, stdout=self._log, stderr=self._log)  # noqa: S603
        self._processes.append(process)
        wait_until(self._answers)
        return process

    def documents(self) -> list[dict[str, Any]]:
        return self.client.get("/documents").raise_for_status().json()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self.client.close()
        self._log.close()

    def _answers(self) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return self.client.get("/documents").status_code == 200
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with contextlib.closing(Service(tmp_path)) as made:
        yield made


@pytest.fixture
def second_service(tmp_path: Path) -> Iterator[Service]:
    with contextlib.closing(Service(tmp_path)) as made:
        yield made


def document(number: int) -> tuple[str, tuple[str, bytes]]:
    pages = "".join(f"## Page {page}\n\n{SENTENCE.format(document=number, page=page) * 8}\n" for page in range(PAGES))
    return "file", (f"locker-{number:02}.md", pages.encode())


def send(service: Service) -> None:
    for start in range(0, COUNT, 10):
        files = [document(number) for number in range(start, start + 10)]
        assert service.client.post("/documents/batch", files=files).status_code == 202


def kill_at_work(process: subprocess.Popen[bytes], service: Service) -> None:
    """Kill the process once a further document has become ready."""
    before = count_ready(service)
    wait_until(lambda: count_ready(service) > before)
    process.send_signal(signal.SIGKILL)
    process.wait()


def count_ready(service: Service) -> int:
    return len(service.client.get("/documents?status=ready").raise_for_status().json())


def workers(folder: Path) -> set[str]:
    """The processes that have taken up jobs. A job that another one took over counts for that one."""
    with contextlib.closing(sqlite3.connect(folder / "app-jobs.db")) as jobs:
        taken = jobs.execute(
            "SELECT DISTINCT executor_id FROM workflow_status WHERE name = 'job' AND status != 'ENQUEUED'"
        )
        return {executor for (executor,) in taken if executor}


def check_all_ready_once(service: Service, folder: Path) -> None:
    assert count_ready(service) < COUNT, "the kill came too late to prove anything"
    wait_until(lambda: count_ready(service) == COUNT)
    states = service.documents()
    assert [state["name"] for state in states] == [f"locker-{n:02}.md" for n in range(COUNT)]
    assert {state["chunks"] for state in states} == {PAGES}
    assert all(1 <= state["attempts"] <= 3 for state in states)
    with contextlib.closing(sqlite3.connect(folder / "app.db")) as database:
        stored = database.execute("SELECT document, count(*), count(DISTINCT position) FROM chunk GROUP BY document")
        assert stored.fetchall() == [(f"locker-{n:02}.md", PAGES, PAGES) for n in range(COUNT)]
        assert database.execute("SELECT count(*) FROM upload WHERE data IS NOT NULL").fetchone() == (0,)


def test_documents_survive_two_kills_and_become_ready_exactly_once(service: Service, tmp_path: Path) -> None:
    first = service.start()
    send(service)
    kill_at_work(first, service)
    kill_at_work(service.start(), service)
    service.start()
    check_all_ready_once(service, tmp_path)


def test_of_two_processes_the_survivor_finishes_the_work_of_the_killed_one(
    service: Service, second_service: Service, tmp_path: Path
) -> None:
    service.start()
    killed = second_service.start()
    send(service)
    wait_until(lambda: len(workers(tmp_path)) == 2)
    kill_at_work(killed, service)
    check_all_ready_once(service, tmp_path)


def test_a_stop_by_signal_is_quick_and_quiet(service: Service, tmp_path: Path) -> None:
    process = service.start()
    service.client.post("/documents/batch", files=[document(1)])
    wait_until(lambda: count_ready(service) == 1)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)
    assert time.monotonic() - started < 8
    log = (tmp_path / "serve.log").read_text()
    assert "Traceback" not in log
    assert "DBOS" not in log
