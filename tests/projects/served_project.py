"""A generated project in its own environment, and its service running on 127.0.0.1."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from uv import find_uv_bin

PATIENCE_SECONDS = 90


@dataclass(frozen=True)
class Project:
    """A rendered project whose dependencies are installed."""

    folder: Path

    def app(self, *arguments: str) -> str:
        """The output of `uv run app ARGUMENTS`; an exit code other than 0 raises."""
        done = subprocess.run(
            [self.folder / ".venv/bin/app", *arguments],
            cwd=self.folder,
            env=environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout


@dataclass(frozen=True)
class Service:
    """A running service: its origin without a slash at the end, and the key for its page."""

    origin: str
    key: str

    @property
    def page(self) -> str:
        """The address that `app serve` prints."""
        return f"{self.origin}/#key={self.key}"

    def get(self, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        """The answer to exactly this path, which no client has tidied; its body is already read."""
        connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=PATIENCE_SECONDS)
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response


def install(rendered: Path, folder: Path) -> Project:
    """Copy a rendered project to `folder` and give it the environment that `make setup` would."""
    shutil.copytree(rendered, folder)
    sync = [find_uv_bin(), "sync", "--quiet", "--no-dev"]
    done = subprocess.run(sync, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Project(folder)


@contextmanager
def serve(project: Project, **settings: str) -> Iterator[Service]:
    """The project's service with these variables, on a free port, until the end of the block."""
    port = free_port()
    log = project.folder.with_name(f"{project.folder.name}-serve.log")  # beside it: the project stays clean
    with log.open("wb") as output:
        command = [project.folder / ".venv/bin/app", "serve", "--port", str(port)]
        variables = {**environment(), "APP_QUALITY__REEVALUATE": "never", **settings}  # none beside what is tested
        server = subprocess.Popen(command, cwd=project.folder, env=variables, stderr=output, stdout=output)
        try:
            wait_until_alive(f"http://127.0.0.1:{port}/healthz", server, log)
            yield Service(f"http://127.0.0.1:{port}", printed_key(log))
        finally:
            server.terminate()
            server.wait(PATIENCE_SECONDS)


def environment() -> dict[str, str]:
    """The machine's environment without this project's and without settings of another service."""
    return {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH") and not k.startswith("APP_")}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_alive(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once `url` answers; fail with the log when the server ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:  # refused, or too busy to answer yet
            assert server.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.1)
        else:
            return


def printed_key(log: Path) -> str:
    """The key in the address that the service printed when it started."""
    found = re.search(r"#key=(\S+)", log.read_text("utf-8"))
    assert found, log.read_text("utf-8")
    return found[1]
