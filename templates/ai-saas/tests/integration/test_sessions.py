"""Sessions: the cookie alone is not enough to change anything, and a session that is over is over."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.accounts.settings import AccountSettings
from app.accounts.tables import sessions
from app.settings import Settings
from tests.integration.town import PASSWORD, Person, Town, local_settings, open_town


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


def age(town: Town, **columns: timedelta) -> None:
    """Let all sessions be as old as this."""
    moved = {name: datetime.now(UTC) - past for name, past in columns.items()}
    with town.app.state.tenants.engine.begin() as connection:
        connection.execute(sessions.update().values(**moved))


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(town: Town) -> None:
    ada = town.stranger("ada").signs_up()
    cookie = ada.http.post("/v1/login", json={"email": ada.email, "password": PASSWORD}).headers["Set-Cookie"]
    assert cookie.startswith("session=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=604800"} <= set(cookie.split("; "))


def test_away_from_this_machine_the_cookie_needs_https(settings: Settings, tmp_path: Path) -> None:
    settings.accounts = AccountSettings.model_validate({"base_url": "https://app.example.com"})
    with open_town(settings, tmp_path) as town:
        ada = town.stranger("ada").signs_up()
        answer = ada.http.post("/v1/login", json={"email": ada.email, "password": PASSWORD})
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-session=")
        assert "Secure" in cookie.split("; ")
        assert "Domain" not in cookie
        assert "https://app.example.com/verify?token=" in town.mails_to(ada.email)[0].get_content()


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "é"}])
def test_a_call_that_changes_something_needs_the_sessions_token(ada: Person, headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert ada.http.post("/v1/organisations", json={"name": "Acme"}, headers=encoded).status_code == 403
    assert ada.gets("/v1/organisations") == []


def test_the_token_of_another_session_does_not_do(town: Town, ada: Person) -> None:
    ada.csrf = town.person("bob").csrf
    assert ada.does("POST", "/v1/organisations", {"name": "Acme"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
    ],
)
def test_a_foreign_page_changes_nothing(town: Town, ada: Person, headers: dict[str, str]) -> None:
    proof = {"X-CSRF-Token": ada.csrf}
    assert ada.http.post("/v1/organisations", json={"name": "x"}, headers=headers | proof).status_code == 403
    body = {"email": ada.email, "password": PASSWORD}
    assert town.stranger("x").http.post("/v1/login", json=body, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}])
def test_our_own_page_may(ada: Person, headers: dict[str, str]) -> None:
    proof = {"X-CSRF-Token": ada.csrf}
    assert ada.http.post("/v1/organisations", json={"name": "x"}, headers=headers | proof).status_code == 201


@pytest.mark.parametrize("token", ["", "x" * 43, "'; DROP TABLE user_session; --", "a=b; c"])
def test_a_forged_cookie_is_nobody(town: Town, token: str) -> None:
    stranger = town.stranger("mallory")
    assert stranger.http.get("/v1/me", headers={"Cookie": f"session={token}"}).status_code == 401


def test_a_session_ends_after_a_pause(town: Town, ada: Person) -> None:
    age(town, seen_at=timedelta(hours=11, minutes=59))
    assert ada.does("GET", "/v1/me").status_code == 200, "and this call counts as a sign of life"
    age(town, seen_at=timedelta(hours=12, minutes=1))
    assert ada.does("GET", "/v1/me").status_code == 401


def test_a_session_ends_after_a_week_however_busy(town: Town, ada: Person) -> None:
    age(town, created_at=timedelta(days=7, minutes=1))
    assert ada.does("GET", "/v1/me").status_code == 401


def test_a_call_is_a_sign_of_life(town: Town, ada: Person) -> None:
    age(town, seen_at=timedelta(hours=11))
    ada.gets("/v1/me")
    age_before = datetime.now(UTC) - timedelta(minutes=1)
    assert all(datetime.fromisoformat(one["seen_at"]) > age_before for one in ada.gets("/v1/sessions"))


def test_logging_out_ends_the_session_and_not_just_the_cookie(ada: Person) -> None:
    token = ada.http.cookies["session"]
    assert ada.does("POST", "/v1/logout").status_code == 204
    assert "session" not in ada.http.cookies
    assert ada.http.get("/v1/me", headers={"Cookie": f"session={token}"}).status_code == 401


def test_logging_in_makes_a_new_token(ada: Person) -> None:
    first = ada.http.cookies["session"]
    ada.logs_in()
    assert ada.http.cookies["session"] != first


def test_a_person_ends_their_other_sessions_and_nobody_elses(town: Town, ada: Person) -> None:
    elsewhere, bob = town.stranger("ada").logs_in(), town.person("bob")
    others = [one["id"] for one in ada.gets("/v1/sessions") if not one["current"]]
    assert len(others) == 1
    assert bob.does("DELETE", f"/v1/sessions/{others[0]}").status_code == 404
    assert elsewhere.does("GET", "/v1/me").status_code == 200
    assert ada.does("DELETE", f"/v1/sessions/{others[0]}").status_code == 204
    assert elsewhere.does("GET", "/v1/me").status_code == 401


def test_beside_a_key_the_cookie_does_not_count(ada: Person) -> None:
    organisation = ada.founds()
    headers = {"Authorization": "Bearer app_org_unknown"}
    assert ada.http.get(f"/v1/organisations/{organisation}", headers=headers).status_code == 401
    assert ada.http.get("/v1/me", headers=headers).status_code == 401
