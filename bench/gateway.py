"""What the gateway costs and what its breaker saves, over HTTP on 127.0.0.1: `python bench/gateway.py`.

A provider that speaks OpenAI's wire format runs in a process of its own. First the same streamed question is asked
bare, by pydantic-ai's client alone, and through everything that a generated service puts around it: routing, breaker,
failover, deadline, budget, ledger, metering. Tracing would be the same for both and is left out. One after the other,
in turn, so that both see the same machine. Bound: the gateway adds at most 3 ms at the median; it is all CPU, so on a
machine where the bare client takes longer than 6.7 ms it may add 0.45 of that instead. Then the provider dies, with a
fallback behind it, and the calls that still reach it are counted.

    python bench/gateway.py [--calls 200]
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def main() -> int:
    """Make a project, start the provider, and measure in a third process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200)
    calls = parser.parse_args().calls
    with provider() as url, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder, "project")
        command = [BIN / "shipfolio", "new", "rag-platform", project, "--yes", "--quiet", "--no-git"]
        subprocess.run([*command, "--project-name", "Bench"], check=True)
        measuring = [sys.executable, ROOT / "bench/gateway_calls.py", url, str(calls)]
        return subprocess.run(measuring, env={**os.environ, "PYTHONPATH": str(project)}, check=False).returncode


@contextmanager
def provider() -> Iterator[str]:
    """The mocked provider in a process of its own, so that it takes no time from what is measured."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "tests.gateway.provider_server", str(port)], cwd=ROOT)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def wait_for(port: int) -> None:
    """Return once somebody listens; an error after a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    raise SystemExit(main())
