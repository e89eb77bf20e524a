"""`app serve`: one process or several, a taken port, numbers from all workers, and an end that closes everything."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from app.observability.telemetry import build_telemetry
from app.observability.workers import WorkerMetrics, merged

PORT = 8700 + os.getpid() % 500


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder for sockets, made as the service makes it: a socket's path may have about a hundred characters."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_the_numbers_of_all_workers_stand_on_one_page(sockets: Path) -> None:
    one, two = build_telemetry("worker-1"), build_telemetry("worker-2")
    for telemetry, count in ((one, 2), (two, 5)):
        telemetry.answers.add(count, {"outcome": "answered", "prompt": "answer@1"})
    (sockets / "worker-3").touch()  # left behind by one that was killed
    with (
        closing(WorkerMetrics(one, sockets, "worker-1")) as first,
        closing(WorkerMetrics(two, sockets, "worker-2")) as second,
    ):
        text = first.exposition().decode()
        assert sorted(text.splitlines()) == sorted(second.exposition().decode().splitlines())
    assert re.findall(r'answers_total\{.*service_instance_id="(worker-\d)".*\} (\d)', text) == [
        ("worker-1", "2"),
        ("worker-2", "5"),
    ]
    assert text.count("# TYPE answers_total ") == 1


def test_merging_keeps_each_metric_in_one_block() -> None:
    first = b"# HELP a x\n# TYPE a counter\na 1.0\n# HELP b y\n# TYPE b gauge\nb 1.0\n"
    second = b"# HELP b y\n# TYPE b gauge\nb 2.0\n# HELP c z\n# TYPE c gauge\nc 3.0\n"
    assert merged([first, second]).decode().splitlines() == [
        *("# HELP a x", "# TYPE a counter", "a 1.0"),
        *("# HELP b y", "# TYPE b gauge", "b 1.0", "b 2.0"),
        *("# HELP c z", "# TYPE c gauge", "c 3.0"),
    ]


def test_a_taken_port_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, serve(tmp_path, taken.getsockname()[1]) as service:
        _, told = service.communicate(timeout=60)
    assert service.returncode == 2
    assert "cannot be listened on" in told
    assert "Traceback" not in told
    assert "Page:" not in told
    assert not (tmp_path / "app.db").exists()


def test_two_workers_answer_report_together_and_stop_together(tmp_path: Path) -> None:
    with serve(tmp_path, PORT, "--workers", "2") as service:
        workers: set[str] = set()
        deadline = time.monotonic() + 90
        while len(workers) < 2 and time.monotonic() < deadline and service.poll() is None:
            time.sleep(0.3)
            workers = set(re.findall(r'service_instance_id="([^"]+)"', metrics()))
        children = Path(f"/proc/{service.pid}/task").glob("*/children") if sys.platform == "linux" else ()
        pids = [int(pid) for path in children for pid in path.read_text(encoding="ascii").split()]
        service.send_signal(signal.SIGTERM)
        _, told = service.communicate(timeout=60)
    assert workers == {"worker-1", "worker-2"}
    assert "Traceback" not in told
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def metrics() -> str:
    """What a scrape gets; nothing while nobody listens."""
    try:
        return httpx2.get(f"http://127.0.0.1:{PORT}/metrics", timeout=10).text
    except httpx2.HTTPError:
        return ""


@contextmanager
def serve(folder: Path, port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The service as a process, killed at the end if it still runs."""
    environment = {**os.environ, "APP_STORE__URL": f"sqlite:///{folder}/app.db", "NO_COLOR": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), *options]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as service:  # noqa: S603
        try:
            yield service
        finally:
            if service.poll() is None:
                service.kill()
