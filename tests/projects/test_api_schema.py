"""The HTTP calls of a generated project keep what their OpenAPI document promises, whatever is sent to them."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from .served_project import Project, free_port, install, serve

pytestmark = pytest.mark.slow
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
ENOUGH = 50  # requests that a run must have made to mean anything
SECONDS = 40  # for one project: the edges of each call's schema first, then random requests until the time is over


def attack(origin: str, key: str, folder: Path, seconds: int = SECONDS) -> subprocess.CompletedProcess[str]:
    """Requests made from the document, right ones and wrong ones; exit code 1 when an answer breaks a promise."""
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{origin}/openapi.json",
        "--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing", "--max-time", str(seconds),
        "--seed", "1", "--generation-database", "none", "--no-color",
    ]  # fmt: skip
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module", params=["rag-platform", "agent", "ai-saas"])
def project(
    request: pytest.FixtureRequest, rendered: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    if request.param == "rag-platform":
        return request.getfixturevalue("rag_project")
    return install(rendered(request.param), tmp_path_factory.mktemp("installed") / request.param)


def test_no_request_makes_a_server_error_or_an_undocumented_answer(project: Project, tmp_path: Path) -> None:
    settings = {"APP_STORE__URL": f"sqlite:///{tmp_path}/app.db", "APP_API__REQUESTS_PER_MINUTE": "1000000"}
    with serve(project, **settings) as service:
        done = attack(service.origin, service.key, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    made = re.search(r"(\d+) generated", done.stdout)
    assert made, done.stdout
    assert int(made[1]) >= ENOUGH, done.stdout


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def test_a_service_that_breaks_its_promises_is_found(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/count")
    def count() -> int:
        return JSONResponse("seven")  # type: ignore[return-value]

    @app.get("/share")
    def share(of: int) -> float:
        return 1 / of

    with serving(app) as origin:
        done = attack(origin, "any", tmp_path, seconds=4)
    assert done.returncode == 1
    assert "Response violates schema" in done.stdout
    assert "Server error" in done.stdout
