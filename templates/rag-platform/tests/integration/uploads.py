"""For tests that send documents over HTTP: a worker reads them a moment later."""

import time
from typing import Any

from fastapi.testclient import TestClient

WORKING = ("queued", "processing")


def upload(client: TestClient, name: str, data: bytes) -> dict[str, Any]:
    """Send a document and return its state once a worker is done with it."""
    response = client.post("/v1/documents", files={"file": (name, data)})
    assert response.status_code == 202, response.text
    return settled(client, response.headers["location"])


def settled(client: TestClient, url: str) -> dict[str, Any]:
    """The state at `url` once it is `ready` or `failed`."""
    deadline = time.monotonic() + 30
    while (state := client.get(url).json())["status"] in WORKING:
        assert time.monotonic() < deadline, state
        time.sleep(0.02)
    return state
