"""Access: another organisation does not exist, whatever the call, and a key does what it was made for alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from tests.integration.town import Person, Town, local_settings, open_town

UNKNOWN = ["0" * 16, "not-an-id", "../" * 3 + "etc", "%00", "' OR ''='", "x" * 3000]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with open_town(local_settings(folder), folder) as opened:
        yield opened


@pytest.fixture
def town(service: Town) -> Town:
    return service.for_another_test()


@pytest.fixture
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture
def acme(ada: Person) -> str:
    return ada.founds("Acme")


PUBLIC = {
    "/v1/signup", "/v1/verify", "/v1/verify/again", "/v1/login", "/v1/password/forgotten", "/v1/password/reset",
    "/v1/shared/{token}",
}  # fmt: skip


def calls(town: Town, organisation: str) -> list[tuple[str, str]]:
    """Every call of the service on an organisation, whoever added it."""
    paths = town.app.openapi()["paths"]
    found = [
        (method.upper(), re.sub(r"\{\w+\}", "0" * 16, path.replace("{organisation}", organisation)))
        for path, methods in paths.items()
        for method in methods
        if "{organisation}" in path
    ]
    assert len(found) > 15
    return found


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_every_call_on_another_organisation_answers_404(town: Town, acme: str) -> None:
    bob = town.person("bob")
    secret = bob.makes_key(bob.founds(), "ask", "documents", "feedback")
    for method, path in calls(town, acme):
        answers = bob.does(method, path, {}), town.stranger("x").http.request(method, path, headers=bearer(secret))
        for answer in answers:
            assert answer.status_code == 404, (method, path, answer.text)
            assert "Acme" not in answer.text


def test_another_organisation_looks_like_one_that_never_was(town: Town, acme: str) -> None:
    bob = town.person("bob")
    theirs, nobodys = (bob.does("GET", f"/v1/organisations/{one}").json() for one in (acme, "0" * 16))
    assert theirs["detail"].replace(acme, "") == nobodys["detail"].replace("0" * 16, "")


@pytest.mark.parametrize("organisation", UNKNOWN)
def test_a_guessed_organisation_answers_404(ada: Person, acme: str, organisation: str) -> None:
    assert ada.does("GET", f"/v1/organisations/{organisation}/members").status_code == 404
    secret = ada.makes_key(acme, "ask")
    path = f"/v1/organisations/{organisation}/members"
    assert ada.http.get(path, headers=bearer(secret)).status_code == 404


def test_these_calls_and_no_others_are_for_everybody(town: Town) -> None:
    paths = town.app.openapi()["paths"].items()
    assert {path for path, methods in paths for call in methods.values() if call.get("security") == []} == PUBLIC


def test_every_call_needs_a_caller(town: Town, acme: str) -> None:
    stranger = town.stranger("x")
    for method, path in calls(town, acme):
        assert stranger.http.request(method, path).status_code == 401, (method, path)
        assert stranger.http.request(method, path, headers=bearer("app_org_unknown")).status_code == 401, (method, path)


def test_every_call_asks_for_a_role_and_names_the_scope_that_keys_need(town: Town, ada: Person, acme: str) -> None:
    """A call that forgot `require_role` would let a key pass that is for something else."""
    secret = ada.makes_key(acme, "feedback")
    for method, path in calls(town, acme):
        answer = ada.http.request(method, path, headers=bearer(secret))
        allowed = (401, 403, 422) if "feedback" in path else (401, 403)
        assert answer.status_code in allowed, (method, path, answer.text)


def test_a_key_manages_nothing(town: Town, ada: Person, acme: str) -> None:
    secret = ada.makes_key(acme, "ask", "documents", "feedback")
    program = town.stranger("x").http
    for path in ("", "/members", "/keys", "/invitations", "/audit"):
        assert program.get(f"/v1/organisations/{acme}{path}", headers=bearer(secret)).status_code == 403
    body = {"name": "more", "scopes": ["ask"]}
    assert program.post(f"/v1/organisations/{acme}/keys", json=body, headers=bearer(secret)).status_code == 403
    assert program.get("/v1/me", headers=bearer(secret)).status_code == 401


def test_a_key_is_shown_once_and_ends_when_it_is_revoked(town: Town, ada: Person, acme: str) -> None:
    secret = ada.makes_key(acme, "feedback")
    keys, program = ada.gets(f"/v1/organisations/{acme}/keys"), town.stranger("x").http
    assert secret not in str(keys)
    assert [key["scopes"] for key in keys] == [["feedback"]]
    path = f"/v1/organisations/{acme}/keys/{keys[0]['id']}"
    assert program.get(f"/v1/organisations/{acme}", headers=bearer(secret)).status_code == 403
    assert ada.does("DELETE", path).status_code == 204
    assert program.get(f"/v1/organisations/{acme}", headers=bearer(secret)).status_code == 401
    assert ada.does("DELETE", path).status_code == 404


def test_the_key_of_another_organisation_cannot_be_revoked(town: Town, ada: Person, acme: str) -> None:
    bob = town.person("bob")
    theirs = bob.founds("Theirs")
    bob.makes_key(theirs, "ask")
    key = bob.gets(f"/v1/organisations/{theirs}/keys")[0]["id"]
    assert ada.does("DELETE", f"/v1/organisations/{acme}/keys/{key}").status_code == 404
    assert bob.gets(f"/v1/organisations/{theirs}/keys")[0]["revoked_at"] is None


@pytest.mark.parametrize("scopes", [[], ["admin"], ["ask", "admin"], ["everything"]])
def test_no_key_is_for_everything_or_for_nothing(ada: Person, acme: str, scopes: list[str]) -> None:
    body = {"name": "ci", "scopes": scopes}
    assert ada.does("POST", f"/v1/organisations/{acme}/keys", body).status_code == 422


def test_a_session_counts_its_calls(settings: Settings, tmp_path: Path) -> None:
    settings.api.requests_per_minute = 3
    with open_town(settings, tmp_path) as town:
        ada = town.person("ada")
        acme = ada.founds()
        answers = [ada.does("GET", f"/v1/organisations/{acme}") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit"].startswith('"key";r=2')
