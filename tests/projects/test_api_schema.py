"""The HTTP calls of a generated project keep what their OpenAPI document promises, whatever is sent to them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from .saas_customer import founded
from .served_project import Project, free_port, serve

pytestmark = pytest.mark.slow
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
ENOUGH = 50  # requests that a run must have made to mean anything
SECONDS = 40  # for one project; in the SaaS they are shared by an organisation's key and the session of its owner
PROGRAM_SECONDS, OWNER_SECONDS = 15, 25
ENDING = ("log_out", "end_session")  # the calls that end the very session which makes them
# In the SaaS, by how many operations a caller got further than its login and the method's name, and how many worked.
PROGRAM_REACHES, PROGRAM_WORKS = 25, 12
OWNER_REACHES, OWNER_WORKS = 50, 35


@dataclass(frozen=True)
class Caller:
    """Who makes the requests: `organisation` stands in each path that names one, operations of `leave` are left out."""

    headers: Mapping[str, str]
    organisation: str = ""
    leave: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attack:
    """A run: what it printed, and the statuses that each operation answered."""

    done: subprocess.CompletedProcess[str]
    statuses: dict[str, set[int]]

    @property
    def output(self) -> str:
        """Everything that was printed."""
        return self.done.stdout + self.done.stderr

    @property
    def made(self) -> int:
        """How many requests were made."""
        found = re.search(r"(\d+) generated", self.done.stdout)
        assert found, self.output
        return int(found[1])

    @property
    def reached(self) -> list[str]:
        """The operations that did more than ask for a login."""
        return [name for name, answered in self.statuses.items() if answered - {401, 403, 405}]

    @property
    def worked(self) -> list[str]:
        """The operations that did at least once what they are for."""
        return [name for name, answered in self.statuses.items() if any(status < 300 for status in answered)]


def attack(origin: str, caller: Caller, folder: Path, seconds: int) -> Attack:
    """Requests made from the document, right ones and wrong ones; exit code 1 when an answer breaks a promise.

    First the edges of each call's schema and its examples, then random requests until the time is over.
    """
    report, config = folder / "events.ndjson", folder / "schemathesis.toml"
    known = f'[parameters]\n"path.organisation" = "{caller.organisation}"\n' if caller.organisation else ""
    config.write_text(f"{known}[generation]\nwith-security-parameters = false\n", encoding="utf-8")
    command = [
        Path(sys.executable).with_name("schemathesis"), "--config-file", str(config), "run", f"{origin}/openapi.json",
        "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-time", str(seconds),
        "--seed", "1", "--generation-database", "none", "--no-color", "--report-ndjson-path", str(report),
        *(word for name, value in caller.headers.items() for word in ("--header", f"{name}: {value}")),
        *(word for name in caller.leave for word in ("--exclude-operation-id", name)),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return Attack(done, statuses_of(report))


def statuses_of(report: Path) -> dict[str, set[int]]:
    """What each operation answered."""
    statuses: dict[str, set[int]] = {}
    for line in report.read_text(encoding="utf-8").splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for exchange in recorder.get("interactions", {}).values():
            if exchange["response"]:
                statuses.setdefault(recorder["label"], set()).add(exchange["response"]["status_code"])
    return statuses


def bearer(key: str, organisation: str = "") -> Caller:
    """A program with a key."""
    return Caller({"Authorization": f"Bearer {key}"}, organisation)


@pytest.fixture(params=["rag_project", "agent_project"])
def project(request: pytest.FixtureRequest) -> Project:
    return request.getfixturevalue(request.param)


def settings(folder: Path) -> dict[str, str]:
    return {"APP_STORE__URL": f"sqlite:///{folder}/app.db", "APP_API__REQUESTS_PER_MINUTE": "1000000"}


def test_no_request_makes_a_server_error_or_an_undocumented_answer(project: Project, tmp_path: Path) -> None:
    with serve(project, **settings(tmp_path)) as service:
        run = attack(service.origin, bearer(service.key), tmp_path, SECONDS)
    assert run.done.returncode == 0, run.output
    assert run.made >= ENOUGH, run.output


def test_nobody_makes_the_saas_break_its_promises_behind_a_login_either(saas_project: Project, tmp_path: Path) -> None:
    outbox = tmp_path / "outbox"
    with serve(saas_project, **settings(tmp_path), APP_MAIL__OUTBOX=str(outbox)) as service:
        customer = founded(service.origin, outbox)
        owner = Caller(customer.session, customer.organisation, ENDING)
        program = attack(service.origin, bearer(customer.key, customer.organisation), tmp_path, PROGRAM_SECONDS)
        person = attack(service.origin, owner, tmp_path, OWNER_SECONDS)
    for run in (program, person):
        assert run.done.returncode == 0, run.output
        assert run.made >= ENOUGH, run.output
    assert len(program.reached) >= PROGRAM_REACHES, program.statuses
    assert len(program.worked) >= PROGRAM_WORKS, program.statuses
    assert len(person.reached) >= OWNER_REACHES, person.statuses
    assert len(person.worked) >= OWNER_WORKS, person.statuses


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
        run = attack(origin, Caller({}), tmp_path, seconds=4)
    assert run.done.returncode == 1
    assert "Response violates schema" in run.output
    assert "Server error" in run.output
