"""Runs over HTTP: asked for, followed, decided, cancelled, resumed; each for the eyes of its owner only."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api.application import create_app
from app.bootstrap import Platform
from app.runs.executor import LONGEST_GOAL
from app.scopes import Scope
from tests.integration.scripted import Script, Tools, call, executor_for, planned

MOVES = {"plan": [planned("First")], "First": [call("look", word="file"), call("act", word="x"), "Done."]}


@pytest.fixture
def tools() -> Tools:
    """What the agent did."""
    return Tools()


@pytest.fixture
def app(platform: Platform, tools: Tools, tmp_path: Path) -> FastAPI:
    """The service, with agents whose model follows a script."""
    service = create_app(platform)
    service.state.executor = executor_for(platform, Script(MOVES).reply, tmp_path / "runs", tools.box())
    return service


@pytest.fixture
def client(app: FastAPI, client: TestClient, platform: Platform) -> TestClient:
    """A caller with an ordinary key; the shared fixture keeps the service at work."""
    return caller(app, platform, "laptop", [scope for scope in Scope if scope is not Scope.ADMIN])


@pytest.fixture
def other(app: FastAPI, client: TestClient, platform: Platform) -> TestClient:
    """Another caller of the same service, who may use runs but no memories."""
    return caller(app, platform, "other", [Scope.RUNS])


@pytest.fixture
def admin(app: FastAPI, client: TestClient, platform: Platform) -> TestClient:
    """Whoever is on call."""
    return caller(app, platform, "on call", [Scope.ADMIN])


def caller(app: FastAPI, platform: Platform, name: str, scopes: list[Scope]) -> TestClient:
    key = platform.catalog.keys.create(name, scopes)
    return TestClient(app, headers={"Authorization": f"Bearer {key}"})


def start(client: TestClient) -> str:
    answer = client.post("/v1/runs", json={"goal": "Reach it"})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/runs/{answer.json()['id']}"
    assert answer.json()["state"] == "queued"
    return str(answer.json()["id"])


def until(client: TestClient, run: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while (now := client.get(f"/v1/runs/{run}").json())["state"] not in states:
        assert time.monotonic() < deadline, now
        time.sleep(0.05)
    return dict(now)


def decide(client: TestClient, run: str, approval: str, *, granted: bool) -> int:
    return client.post(f"/v1/runs/{run}/approve", json={"approval": approval, "granted": granted}).status_code


def events(client: TestClient, run: str) -> list[tuple[str, dict[str, Any]]]:
    """Everything that the stream of an ended run says."""
    text = client.get(f"/v1/runs/{run}/events").text
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


def test_a_run_waits_for_its_owner_and_ends_with_an_answer_and_a_file(
    client: TestClient, other: TestClient, tools: Tools
) -> None:
    run = start(client)
    waiting = until(client, run, "waiting")
    assert waiting["approval"] == {
        "id": "s1.2.1", "tool": "act", "arguments": {"word": "x"}, "asked_at": waiting["approval"]["asked_at"],
    }  # fmt: skip
    assert decide(client, run, "s9.9.9", granted=True) == 409
    assert decide(other, run, "s1.2.1", granted=True) == 404
    assert decide(client, run, "s1.2.1", granted=True) == 200
    done = until(client, run, "succeeded")
    assert (done["answer"], done["approval"], tools.calls[-1]) == ("Done.", None, "act x s1.2.1")
    assert done["artefacts"] == [
        {"name": "made.csv", "media_type": "text/csv", "bytes": 8, "url": f"/v1/runs/{run}/artefacts/made.csv"}
    ]
    assert decide(client, run, "s1.2.1", granted=True) == 409
    assert client.post(f"/v1/runs/{run}/cancel").status_code == 409
    assert client.post(f"/v1/runs/{run}/resume").status_code == 409
    assert [name for name, _ in events(client, run)] == ["run", "end"]
    assert events(client, run)[0][1] == client.get(f"/v1/runs/{run}").json()


def test_a_waiting_run_is_cancelled(client: TestClient, tools: Tools) -> None:
    run = start(client)
    until(client, run, "waiting")
    assert client.post(f"/v1/runs/{run}/cancel").json() == {"id": run, "state": "cancelled"}
    assert decide(client, run, "s1.2.1", granted=True) == 409
    assert not any(made.startswith("act") for made in tools.calls)


def test_a_file_is_sent_so_that_a_browser_runs_nothing_in_it(client: TestClient, other: TestClient) -> None:
    run = start(client)
    url = until(client, run, "waiting")["artefacts"][0]["url"]
    file = client.get(url)
    assert file.text == "a,b\n1,2\n"
    assert file.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert file.headers["content-disposition"] == 'attachment; filename="made.csv"'
    assert file.headers["x-content-type-options"] == "nosniff"
    assert other.get(url).status_code == 404
    for name in ("other.csv", "..%2F..%2Fapp.db", "%2Fetc%2Fpasswd"):
        assert client.get(f"/v1/runs/{run}/artefacts/{name}").status_code == 404


def test_the_history_shows_the_owners_runs_page_by_page(client: TestClient, other: TestClient) -> None:
    made = [start(client) for _ in range(3)]
    foreign = start(other)
    newest = client.get("/v1/runs", params={"limit": 2}).json()["runs"]
    assert [run["id"] for run in newest] == [made[2], made[1]]
    older = client.get("/v1/runs", params={"before": made[1]}).json()["runs"]
    assert [run["id"] for run in older] == [made[0]]
    assert set(newest[0]) == {
        "id", "goal", "owner", "pattern", "state", "cost_usd", "worked_seconds", "created_at", "updated_at",
    }  # fmt: skip
    assert client.get("/v1/runs", params={"before": foreign}).status_code == 422


@pytest.mark.parametrize("call_of", ["", "/events", "/artefacts/made.csv"])
def test_another_owners_run_does_not_exist(client: TestClient, other: TestClient, call_of: str) -> None:
    run = start(client)
    assert other.get(f"/v1/runs/{run}{call_of}").status_code == 404
    assert other.post(f"/v1/runs/{run}/cancel").status_code == 404
    assert other.get("/v1/runs").json() == {"runs": []}


def test_whoever_is_on_call_sees_and_decides_the_runs_of_every_owner(
    client: TestClient, other: TestClient, admin: TestClient
) -> None:
    runs = [start(client), start(other), start(other)]
    waiting = [until(admin, run, "waiting") for run in runs]
    assert [run["id"] for run in admin.get("/v1/runs").json()["runs"]] == runs[::-1]
    assert len({run["owner"] for run in waiting}) == 2
    assert admin.get(waiting[0]["artefacts"][0]["url"]).status_code == 200
    assert decide(admin, runs[0], "s1.2.1", granted=True) == 200
    assert admin.post(f"/v1/runs/{runs[1]}/cancel").status_code == 200
    assert until(client, runs[0], "succeeded")["answer"] == "Done."
    assert [name for name, _ in events(admin, runs[0])] == ["run", "end"]
    assert client.get("/v1/runs").json()["runs"][0]["id"] == runs[0], "an ordinary key still sees its own alone"


def test_time_that_a_run_waits_for_a_person_is_no_time_at_work(client: TestClient) -> None:
    run = start(client)
    before = until(client, run, "waiting")["worked_seconds"]
    time.sleep(0.5)
    assert client.get(f"/v1/runs/{run}").json()["worked_seconds"] == before
    decide(client, run, "s1.2.1", granted=True)
    assert before < until(client, run, "succeeded")["worked_seconds"] < before + 0.5


@pytest.mark.parametrize(
    "body",
    [
        {}, {"goal": ""}, {"goal": "  "}, {"goal": "x" * (LONGEST_GOAL + 1)}, {"goal": "a\u0000b"},
        {"goal": "x", "pattern": "chaos"}, {"goal": "x", "approve": True}, {"goal": 7},
    ],
)  # fmt: skip
def test_a_goal_that_cannot_be_taken_is_refused(client: TestClient, body: object) -> None:
    assert client.post("/v1/runs", json=body).status_code == 422
    assert client.get("/v1/runs").json() == {"runs": []}


def test_an_unknown_run_is_a_problem_document(client: TestClient) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/resume")):
        answer = client.request(method, f"/v1/runs/nowhere{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert decide(client, "nowhere", "s1.1.1", granted=True) == 404


def test_a_key_for_other_things_may_not_start_runs(client: TestClient, platform: Platform) -> None:
    key = platform.catalog.keys.create("reader", [Scope.MEMORY])
    assert client.post("/v1/runs", json={"goal": "x"}, headers={"Authorization": f"Bearer {key}"}).status_code == 403


def test_the_metrics_have_what_the_alerts_on_calls_read(client: TestClient) -> None:
    client.get("/v1/runs")
    client.get(f"/v1/runs/{'a' * 32}")
    counted = [line for line in client.get("/metrics").text.splitlines() if "http_server_request_duration" in line]
    for route in ("/v1/runs", "/v1/runs/{identifier}"):
        assert any("_count{" in line and f'http_route="{route}"' in line for line in counted)
        assert any(f'http_route="{route}"' in line and 'le="1.0"' in line for line in counted)
