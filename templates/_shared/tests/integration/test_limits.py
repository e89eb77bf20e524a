"""Every limit of the HTTP edge bites: scopes, calls a minute, calls at once, bytes, foreign pages."""

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.api.application import create_app
from app.api.limits import WINDOW_SECONDS, RateLimiter
from app.bootstrap import Platform, open_platform
from app.scopes import Scope
from app.settings import APISettings, Settings

ORIGIN = "https://intranet.example.com"
FEEDBACK = {"trace_id": "0" * 32, "rating": 1}
Opened = Callable[..., TestClient]


@pytest.fixture
def limited(settings: Settings) -> Iterator[Opened]:
    """Opens the service with other limits, for a caller with the page's key."""
    clients: list[TestClient] = []
    platforms = []

    def open_with(**limits: object) -> TestClient:
        api = APISettings.model_validate({"page_key": SecretStr("key"), **limits})
        context = open_platform(settings.model_copy(update={"api": api}))
        platforms.append(context)
        client = TestClient(create_app(context.__enter__()), headers={"Authorization": "Bearer key"})
        clients.append(client.__enter__())
        return client

    yield open_with
    for client in clients:
        client.__exit__()
    for context in platforms:
        context.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("scope", "status"), [(s, 204 if s in (Scope.FEEDBACK, Scope.ADMIN) else 403) for s in Scope], ids=list(Scope)
)
def test_a_key_without_the_scope_is_refused(
    anonymous: TestClient, platform: Platform, scope: Scope, status: int
) -> None:
    key = platform.catalog.keys.create("narrow", [scope])
    response = anonymous.post("/v1/feedback", json=FEEDBACK, headers={"Authorization": f"Bearer {key}"})
    assert response.status_code == status
    if status == 403:
        assert response.headers["content-type"] == "application/problem+json"
        assert "'feedback'" in response.json()["detail"]


def test_every_call_below_v1_asks_for_a_key(anonymous: TestClient) -> None:
    paths = anonymous.get("/openapi.json").json()["paths"]
    below = [(path, *named) for path, methods in paths.items() for named in methods.items() if path.startswith("/v1/")]
    calls = [(path, method) for path, method, call in below if call.get("security") != []]  # [] is for everybody
    assert calls
    for path, method in calls:
        assert anonymous.request(method, path.replace("{", "x").replace("}", "y")).status_code == 401, path


def test_more_calls_than_a_minute_allows_are_told_when_to_come_back(limited: Opened) -> None:
    client = limited(requests_per_minute=2)
    answers = [client.post("/v1/feedback", json=FEEDBACK) for _ in range(3)]
    assert [a.status_code for a in answers] == [204, 204, 429]
    assert [a.headers["ratelimit"].split(";")[1] for a in answers] == ["r=1", "r=0", "r=0"]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=2;w=60'
    assert 1 <= int(answers[2].headers["retry-after"]) <= WINDOW_SECONDS
    assert answers[2].json()["title"] == "Too many requests"
    assert client.get("/healthz").status_code == 200


def test_keys_have_their_own_minutes_and_a_new_minute_starts_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("app.api.limits.time.monotonic", lambda: now)
    limiter = RateLimiter(1)
    assert limiter.take("a").granted
    assert limiter.take("b").granted
    assert not limiter.take("a").granted
    now += WINDOW_SECONDS
    assert limiter.take("a").granted


def test_more_calls_at_once_than_allowed_answer_503(limited: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    client = limited(max_concurrency=1)
    started, go_on = Event(), Event()

    def slow(*_: object) -> None:
        started.set()
        assert go_on.wait(10)

    monkeypatch.setattr("app.stores.catalog.Catalog.add_feedback", slow)
    first = Thread(target=client.post, args=("/v1/feedback",), kwargs={"json": FEEDBACK})
    first.start()
    assert started.wait(10)
    refused = client.post("/v1/feedback", json=FEEDBACK)
    alive = client.get("/healthz")
    go_on.set()
    first.join()
    assert (refused.status_code, refused.headers["retry-after"], refused.json()["title"]) == (503, "1", "Busy")
    assert alive.status_code == 200
    assert client.post("/v1/feedback", json=FEEDBACK).status_code == 204


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "in pieces"])
def test_a_body_over_the_limit_is_a_problem_document(limited: Opened, announced: bool) -> None:
    client = limited(max_body_bytes=1000)
    body = b'{"comment": "' + b"x" * 2000 + b'"}'
    content = body if announced else iter([body[:900], body[900:]])
    response = client.post("/v1/feedback", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert "APP_API__MAX_BODY_BYTES" in response.json()["detail"]


def test_pages_of_other_origins_may_not_call(anonymous: TestClient) -> None:
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    assert anonymous.options("/v1/feedback", headers=asking).status_code == 405
    assert "access-control-allow-origin" not in anonymous.get("/healthz", headers={"Origin": ORIGIN}).headers


def test_pages_of_origins_in_the_setting_may_call_and_no_others(limited: Opened) -> None:
    client = limited(cors_origins=[ORIGIN])
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    assert client.options("/v1/feedback", headers=asking).headers["access-control-allow-origin"] == ORIGIN
    foreign = client.options("/v1/feedback", headers={**asking, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


def test_the_api_pages_need_no_script_and_no_internet(anonymous: TestClient) -> None:
    response = anonymous.get("/docs")
    assert response.status_code == 200
    assert "POST /v1/feedback" in response.text
    assert "<script" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_openapi_declares_problems_and_names_each_call_once(app: FastAPI) -> None:
    document = app.openapi()
    calls = [call for methods in document["paths"].values() for call in methods.values()]
    names = [call["operationId"] for call in calls]
    assert len(set(names)) == len(names)
    feedback = document["paths"]["/v1/feedback"]["post"]["responses"]
    assert set(feedback) >= {"204", "401", "403", "413", "422", "429", "503"}
    assert list(feedback["422"]["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
