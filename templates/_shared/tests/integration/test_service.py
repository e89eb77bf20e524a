"""The calls that every project of this family answers."""

import re

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.bootstrap import Platform

TRACE = "0" * 31 + "1"


def test_alive_and_ready(anonymous: TestClient, platform: Platform) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok"}
    ready = anonymous.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["dependencies"] == {"catalog": "ok", "index": "ok"}
    assert ready.json()["model"] == platform.model.model_name


def test_a_broken_dependency_makes_the_service_unready_with_the_reason(
    anonymous: TestClient, platform: Platform
) -> None:
    platform.index.close()
    response = anonymous.get("/readyz")
    assert response.status_code == 503
    assert response.json()["dependencies"]["index"].startswith("failed: ProgrammingError")
    assert anonymous.get("/healthz").status_code == 200


def test_a_database_that_is_away_answers_503_and_when_to_try_again(
    client: TestClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise sa.exc.OperationalError("INSERT …", {}, Exception("connection refused"))

    monkeypatch.setattr(platform.catalog, "add_feedback", away)
    response = client.post("/v1/feedback", json={"trace_id": "0" * 32, "rating": 1})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "INSERT" not in response.text


def test_metrics_say_which_dependency_answers(
    anonymous: TestClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def up() -> dict[str, str]:
        return dict(re.findall(r'^dependency_up\{dependency="(\w+)".*\} (\S+)$', anonymous.get("/metrics").text, re.M))

    def broken() -> None:
        raise OSError("no disk")

    assert up() == {"catalog": "1.0", "index": "1.0"}
    monkeypatch.setattr(platform.index, "ping", broken)
    assert up() == {"catalog": "1.0", "index": "0.0"}


def test_metrics_count_requests(anonymous: TestClient) -> None:
    anonymous.get("/healthz")
    assert "http_server_request_duration_seconds" in anonymous.get("/metrics").text


def test_a_call_without_a_key_is_a_problem_document(anonymous: TestClient) -> None:
    response = anonymous.post("/v1/feedback", json={"trace_id": TRACE, "rating": 1})
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_created_key_works_until_it_is_revoked(anonymous: TestClient, platform: Platform) -> None:
    secret = platform.catalog.keys.create("laptop")
    call = {"json": {"trace_id": TRACE, "rating": 1}, "headers": {"Authorization": f"Bearer {secret}"}}
    assert anonymous.post("/v1/feedback", **call).status_code == 204
    platform.catalog.keys.revoke(platform.catalog.keys.records()[0].caller.id)
    assert anonymous.post("/v1/feedback", **call).status_code == 401


@pytest.mark.parametrize("body", [{"trace_id": "x", "rating": 1}, {"trace_id": TRACE, "rating": 5}, {"rating": 1}, []])
def test_an_invalid_body_says_what_is_wrong(client: TestClient, body: object) -> None:
    response = client.post("/v1/feedback", json=body)
    assert response.status_code == 422
    assert response.json()["title"] == "Invalid request"
    assert response.json()["detail"]


def test_a_body_over_the_limit_is_refused(client: TestClient) -> None:
    response = client.post("/v1/feedback", content=b"x" * 60_000, headers={"Content-Type": "application/json"})
    assert response.status_code == 413


def test_an_unknown_path_is_a_problem_document(client: TestClient) -> None:
    response = client.get("/nowhere")
    assert (response.status_code, response.json()["title"]) == (404, "Not Found")


def test_a_wrong_method_is_told_the_right_ones(client: TestClient) -> None:
    response = client.put("/v1/feedback", json={})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b'{"comment": "\xed\xa0\x80"}', b'{"comment": "\\ud800"}'])
def test_a_body_that_cannot_be_read_is_a_problem_of_the_caller(client: TestClient, body: bytes) -> None:
    response = client.post("/v1/feedback", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


def test_browsers_are_told_to_run_nothing_foreign(anonymous: TestClient) -> None:
    headers = anonymous.get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_a_defect_answers_500_and_leaks_nothing(anonymous: TestClient, app: FastAPI) -> None:
    app.state.exposition = None
    response = anonymous.get("/metrics")
    assert response.status_code == 500
    assert "NoneType" not in response.text
