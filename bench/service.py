"""Questions a minute, latency and memory of a generated RAG service, offline: `python bench/service.py`.

Makes a project, ingests its samples, starts `app serve --workers 2` on 127.0.0.1 and drives it from this process:
one question after the other, then 10,000 a minute in an open loop (a question is sent when its time has come, whether
or not earlier ones were answered, and its latency counts from that time). Every question is different. Bounds: p50 at
concurrency 1 at most 15 ms; p99 under load below 2 s with every answer right; at most 400 MB in all processes.

    python bench/service.py [--seconds 30] [--project DIR] [--workers 2]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent
PER_MINUTE = 10_000
P50_BOUND_MS, P99_BOUND_MS, RSS_BOUND_MB = 15.0, 2000.0, 400.0
ALONE = 300
HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Outcome:
    """What came back: seconds per answer, and what was no answer."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    failures: list[str] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        """The latency that `share` of the answers stayed below, in milliseconds."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))] * 1000


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on it; as little work as possible, it shares the CPU."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        self._transport = transport

    def send(self, request: bytes) -> asyncio.Future[bytes]:
        """The whole response, later."""
        self._answer = asyncio.get_running_loop().create_future()
        self._received = b""
        self._transport.write(request)  # type: ignore[attr-defined]
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Hand over the response once it is whole."""
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        if end and self._answer and not self._answer.done() and len(body) >= int(LENGTH.search(head)[1]):  # type: ignore[index]
            self._answer.set_result(self._received)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that waits."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"connection lost: {exc}"))

    def close(self) -> None:
        """Hang up."""
        self._transport.close()  # type: ignore[attr-defined]


class Client:
    """Sends prepared requests over connections that it opens as needed and keeps."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []

    async def call(self, request: bytes, since: float, outcome: Outcome) -> None:
        """Send one request and note how long it took, counted from `since`."""
        loop = asyncio.get_running_loop()
        try:
            connection = self._idle.pop() if self._idle else await self._open(loop)
            response = await connection.send(request)
        except OSError as error:
            outcome.failures.append(repr(error))
            return
        outcome.seconds.append(time.perf_counter() - since)
        self._idle.append(connection)
        if not response.startswith(b"HTTP/1.1 200"):
            outcome.failures.append(response[:300].decode(errors="replace"))
        outcome.refused += b'"refused":true' in response

    async def _open(self, loop: asyncio.AbstractEventLoop) -> Connection:
        _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        return connection

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in self._idle:
            connection.close()


def main() -> int:
    """Print what was measured; exit code 1 beyond a bound."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--project", type=Path, help="a project that exists, with its .venv")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = options.project or new_project(Path(folder, "project"))
        own = {"APP_STORE__URL": f"sqlite:///{folder}/bench.db", "APP_QUALITY__REEVALUATE": "never", "NO_COLOR": "1"}
        environment = {**os.environ, **own}
        environment |= {"APP_API__REQUESTS_PER_MINUTE": "1000000", "APP_LLM__PRIMARY": "offline"}
        run(project, environment, "ingest", "samples")
        key = run(project, environment, "keys", "create", "bench").strip()
        with serving(project, environment, options.workers) as (port, pid):
            return measure(port, pid, key, questions(project), options)


def measure(port: int, pid: int, key: str, asked: Iterator[str], options: argparse.Namespace) -> int:
    """Both measurements and the verdict."""
    health = asyncio.run(one_after_another(port, [request("GET", "/healthz")] * ALONE))
    requests = (ask(question, key) for question in asked)
    asyncio.run(one_after_another(port, [next(requests) for _ in range(40)]))  # both workers have begun
    alone = asyncio.run(one_after_another(port, [next(requests) for _ in range(ALONE)]))
    count = round(options.seconds * PER_MINUTE / 60)
    prepared = [next(requests) for _ in range(count)]
    cpu, own = cpu_seconds(pid), time.process_time()
    began = time.perf_counter()
    load = asyncio.run(open_loop(port, prepared))
    wall = time.perf_counter() - began
    cpu, own = cpu_seconds(pid) - cpu, time.process_time() - own
    return report(health, alone, load, wall, cpu, own, memory_mb(pid), options)


def report(
    health: Outcome,
    alone: Outcome,
    load: Outcome,
    wall: float,
    cpu: float,
    own: float,
    memory: float,
    options: argparse.Namespace,
) -> int:
    """Print the numbers with their ratios; 1 beyond a bound."""
    p50, p99, floor = alone.percentile_ms(0.5), load.percentile_ms(0.99), health.percentile_ms(0.5)
    sent, answered = len(load.seconds), len(load.seconds) - len(load.failures)
    of_load = [load.percentile_ms(share) for share in (0.5, 0.95)]
    lines = {
        "one at a time": f"p50 {p50:.1f} ms = {p50 / floor:.1f} x /healthz ({floor:.2f} ms) = "
        f"{p50 / P50_BOUND_MS:.2f} of the bound; p95 {alone.percentile_ms(0.95):.1f} ms",
        "under load": f"{answered} of {sent} answered in {wall:.1f} s = {answered / wall * 60:.0f} a minute with "
        f"{options.workers} workers, {load.refused} refusals",
        "": f"p50 {of_load[0]:.0f} ms, p95 {of_load[1]:.0f} ms, "
        f"p99 {p99:.0f} ms = {p99 / P99_BOUND_MS:.2f} of the bound",
        "processor": f"{cpu / sent * 1000:.2f} ms a question in the service, {own / sent * 1000:.2f} ms in this client",
        "memory": f"{memory:.0f} MB resident in all processes = {memory / RSS_BOUND_MB:.2f} of the bound",
    }
    for name, text in lines.items():
        print(f"{name:<14} {text}")
    for failure in load.failures[:3]:
        print(f"failure: {failure}")
    broken = bool(load.failures or alone.failures) or p50 > P50_BOUND_MS or p99 >= P99_BOUND_MS
    return int(broken or memory > RSS_BOUND_MB)


async def one_after_another(port: int, requests: list[bytes]) -> Outcome:
    """Each request when the one before is answered."""
    client, outcome = Client(port), Outcome()
    for each in requests:
        await client.call(each, time.perf_counter(), outcome)
    client.close()
    return outcome


async def open_loop(port: int, requests: list[bytes]) -> Outcome:
    """Each request at its time, `PER_MINUTE` of them evenly spread over a minute."""
    client, outcome = Client(port), Outcome()
    interval, began = 60 / PER_MINUTE, time.perf_counter()
    running: set[asyncio.Task[None]] = set()
    for number, each in enumerate(requests):
        due = began + number * interval
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(client.call(each, due, outcome))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    client.close()
    return outcome


def questions(project: Path) -> Iterator[str]:
    """Questions that are all different: runs of words from the samples, and now and then what no document says."""
    chance = random.Random(7)
    texts = [path.read_text(encoding="utf-8") for path in sorted((project / "samples").rglob("*.md"))]
    words = [re.findall(r"[A-Za-z0-9-]{2,}", text) for text in texts]
    used: set[str] = set()
    while True:
        document = chance.choice(words)
        start = chance.randrange(max(1, len(document) - 8))
        run_of_words = " ".join(document[start : start + chance.randint(4, 8)])
        unknown = " on planet " + chance.choice(["Zorblax", "Quuxo", "Fnordia"]) if chance.random() < 0.1 else ""
        question = f"What about {run_of_words}{unknown}?"
        if question not in used:
            used.add(question)
            yield question


def ask(question: str, key: str) -> bytes:
    """A prepared `POST /v1/ask`."""
    return request("POST", "/v1/ask", key, json.dumps({"question": question}).encode())


def request(method: str, path: str, key: str = "", body: bytes = b"") -> bytes:
    """The bytes of one HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if body:
        lines += ["Content-Type: application/json", f"Authorization: Bearer {key}"]
    return "\r\n".join(lines).encode() + HEAD_END + body


def new_project(folder: Path, template: str = "rag-platform") -> Path:
    """A project as a learner gets it, installed."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("VIRTUAL_ENV", None)
    for command in (["shipfolio", "new", template, str(folder), "--yes"], ["uv", "sync", "--quiet"]):
        cwd = folder if folder.exists() else folder.parent
        subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)
    return folder


def run(project: Path, environment: dict[str, str], *arguments: str) -> str:
    """What one command of the project prints."""
    command = [str(project.resolve() / ".venv/bin/app"), *arguments]
    return subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True, text=True).stdout


@contextmanager
def serving(project: Path, environment: dict[str, str], workers: int) -> Iterator[tuple[int, int]]:
    """The service's port and process id while it runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(project.resolve() / ".venv/bin/app"), "serve", "--port", str(port), "--workers", str(workers)]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, cwd=project, env=environment, stderr=log) as service,
    ):
        try:
            wait_for_workers(port, service, workers)
            yield port, service.pid
        finally:
            service.terminate()


def wait_for_workers(port: int, service: subprocess.Popen[bytes], workers: int) -> None:
    """Return when as many workers as asked for report their metrics."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and service.poll() is None:
        text = asyncio.run(get(port, "/metrics"))
        if (workers == 1 and text) or len(set(re.findall(rb'service_instance_id="([^"]+)"', text))) >= workers:
            return
        time.sleep(0.2)
    raise SystemExit("the service did not start")


async def get(port: int, path: str) -> bytes:
    """One response, or nothing while nobody answers."""
    try:
        async with asyncio.timeout(5):
            _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
            response = await connection.send(request("GET", path))
    except OSError:  # also TimeoutError
        return b""
    connection.close()
    return response


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    tasks = [int(child) for child in children]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        if thread.name != str(pid):
            tasks += [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
    return [pid, *(member for child in tasks for member in family(child))]


def cpu_seconds(pid: int) -> float:
    """User and system seconds of the service's processes so far."""
    fields = [
        Path(f"/proc/{member}/stat").read_text(encoding="ascii").rpartition(")")[2].split() for member in family(pid)
    ]
    return sum(int(f[11]) + int(f[12]) for f in fields) / TICKS


def memory_mb(pid: int) -> float:
    """Resident megabytes of all the service's processes together; what they share is counted in each."""
    status = [Path(f"/proc/{member}/status").read_text(encoding="ascii") for member in family(pid)]
    return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in status) / 1024  # type: ignore[index]


if __name__ == "__main__":
    raise SystemExit(main())
