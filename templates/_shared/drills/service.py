"""The real service, started for a drill: `app serve` on a free port of 127.0.0.1, with settings of the drill's own."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from dotenv import dotenv_values

from drills.stage import NotSeen

START_SECONDS = 120  # on a very busy machine; a few on an idle one
MIGRATIONS = Path("app/migrations")  # of a project whose database is migrated before it serves
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Service:
    """A running service and a client with a key for it."""

    client: httpx2.Client
    process: subprocess.Popen[bytes]

    def ask(self, question: str) -> httpx2.Response:
        """One question, answered or refused."""
        return self.client.post("/v1/ask", json={"question": question})

    def answer(self, question: str) -> dict[str, Any]:
        """The same as a body; where there is no answer, it is the problem that the caller is told."""
        body = self.ask(question).json()
        return {"answer": body, "degraded": None, "refused": None, "citations": [], "model": "none", **body}

    def metric(self, name: str, **labels: str) -> float:
        """The sum over the series of `name` that carry these labels, as Prometheus would read them now."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        found = SAMPLE.findall(self.client.get("/metrics").text)
        return sum(float(value) for series, has, value in found if series == name and all(w in has for w in wanted))

    def readiness(self) -> dict[str, Any]:
        """What /readyz says."""
        return self.client.get("/readyz").json()

    def add_documents(self, documents: Mapping[str, str]) -> None:
        """Send documents and wait until all can be searched.

        Raises:
            NotSeen: they could not.
        """
        files = [("file", (name, text.encode())) for name, text in documents.items()]
        self.client.post("/v1/documents/batch", files=files).raise_for_status()
        deadline = time.monotonic() + START_SECONDS
        while waiting := [state for state in self._documents() if state["status"] != "ready"]:
            if time.monotonic() > deadline:
                raise NotSeen(f"These documents did not become ready: {waiting}")
            time.sleep(0.05)

    def _documents(self) -> Sequence[dict[str, Any]]:
        return self.client.get("/v1/documents").raise_for_status().json()


@contextmanager
def running(folder: Path, settings: Mapping[str, str]) -> Iterator[Service]:
    """The service with its data and its log in `folder`, until the end of the block.

    Raises:
        NotSeen: it did not start; the message has the end of its log.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key = secrets.token_urlsafe(16)
    alone = {"APP_API__PAGE_KEY": key, "APP_QUALITY__REEVALUATE": "never", "NO_COLOR": "1"}
    own = {"APP_STORE__URL": f"sqlite:///{folder}/app.db", **alone, **settings}
    log = folder / "service.log"
    app, environment = [sys.executable, "-m", "app.cli"], {**defaults(), **own}
    with log.open("ab") as output:
        if MIGRATIONS.is_dir():
            subprocess.run([*app, "migrate"], env=environment, stdout=output, stderr=output, check=False)  # noqa: S603
        command = [*app, "serve", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)  # noqa: S603
    headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=15) as client:
            _wait_until_alive(client, process, log)
            yield Service(client, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def defaults() -> dict[str, str]:
    """The machine's environment with every setting of the service, also those in .env, at its default."""
    unset = [name for name in {*os.environ, *dotenv_values(".env")} if name.startswith("APP_")]
    return {**os.environ, **dict.fromkeys(unset, "")}


def _wait_until_alive(client: httpx2.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if client.get("/healthz").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise NotSeen(f"The service did not start:\n{log.read_text('utf-8')[-2000:]}")
