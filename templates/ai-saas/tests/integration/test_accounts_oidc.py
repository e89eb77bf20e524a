"""Login with another provider: what it did not sign for us, now, for this browser, lets nobody in."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr

from app.accounts.oidc import Provider
from app.accounts.settings import OIDCSettings
from app.errors import ConfigurationError
from app.operations.flags import SIGN_UP, Flags
from app.organisations.audit import Actor
from app.settings import Settings
from app.tenancy.scope import OrganisationScope, Role
from tests.integration.town import PASSWORD, Town, local_settings, open_town

ISSUER = "https://id.example.com"
CALLBACK = "/v1/login/oidc/callback"


class Idp:
    """A provider of our own; `claims` is what it says of the person, and whatever else it would say."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.signer: RSAKey | OctKey = self.key
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {}
        self.nonce = ""
        self.challenge = ""
        self.down = False

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if self.down:
            return httpx2.Response(500)
        if path.endswith("openid-configuration"):
            ends = {name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            return httpx2.Response(200, json={"issuer": ISSUER, **ends})
        if path == "/jwks_uri":
            return httpx2.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        return self._token(parse_qs(request.content.decode()))

    def _token(self, form: dict[str, list[str]]) -> httpx2.Response:
        if form["code"] != ["good"]:
            return httpx2.Response(400, json={"error": "invalid_grant"})
        claims = {"iss": ISSUER, "aud": "us", "nonce": self.nonce, "exp": int(time.time()) + 300, "sub": "1"}
        claims |= self.claims
        header = {"alg": self.algorithm, "kid": "one"}
        return httpx2.Response(200, json={"id_token": jwt.encode(header, claims, self.signer, [self.algorithm])})


@pytest.fixture
def idp() -> Idp:
    return Idp()


SETTINGS = OIDCSettings(issuer=ISSUER, client_id="us", client_secret=SecretStr("secret"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    settings = local_settings(folder)
    settings.oidc = SETTINGS
    with open_town(settings, folder) as opened:
        yield opened


@pytest.fixture
def town(service: Town, idp: Idp) -> Town:
    town = service.for_another_test()
    network = httpx2.MockTransport(idp.answer)
    town.app.state.oidc = Provider(SETTINGS, f"http://127.0.0.1:8000{CALLBACK}", network)
    idp.claims = {"email": town.stranger("ada").email.title(), "email_verified": True, "name": "Ada"}
    return town


def begin(browser: TestClient, idp: Idp) -> dict[str, str]:
    """Go to the provider; return what it is asked."""
    answer = browser.get("/v1/login/oidc", follow_redirects=False)
    assert answer.status_code == 303
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    idp.nonce, idp.challenge = asked["nonce"], asked["code_challenge"]
    return asked


def log_in(town: Town, idp: Idp) -> httpx2.Response:
    browser = town.stranger("ada").http
    asked = begin(browser, idp)
    return browser.get(CALLBACK, params={"state": asked["state"], "code": "good"}, follow_redirects=False)


def test_whom_the_provider_vouches_for_has_an_account_and_a_session(town: Town, idp: Idp) -> None:
    browser = town.stranger("ada").http
    asked = begin(browser, idp)
    assert asked["redirect_uri"] == f"http://127.0.0.1:8000{CALLBACK}"
    assert asked["code_challenge_method"] == "S256"
    answer = browser.get(CALLBACK, params={"state": asked["state"], "code": "good"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.get("/v1/me").json()["email"] == town.stranger("ada").email


def test_a_known_person_gets_their_own_account(town: Town, idp: Idp) -> None:
    ada = town.person("ada")
    acme = ada.founds()
    browser = town.stranger("x").http
    asked = begin(browser, idp)
    browser.get(CALLBACK, params={"state": asked["state"], "code": "good"}, follow_redirects=False)
    assert [one["id"] for one in browser.get("/v1/organisations").json()] == [acme]
    ada.logs_in()


def test_while_sign_up_is_closed_only_known_people_enter(town: Town, idp: Idp) -> None:
    flags: Flags = town.app.state.flags
    operator = Actor(OrganisationScope("", "", Role.VIEWER), "user:root", "")
    flags.switch(SIGN_UP, False, operator)
    assert log_in(town, idp).status_code == 403
    flags.switch(SIGN_UP, None, operator)
    assert log_in(town, idp).status_code == 303
    flags.switch(SIGN_UP, False, operator)
    assert log_in(town, idp).status_code == 303
    flags.switch(SIGN_UP, None, operator)


def test_a_password_from_before_the_address_was_proved_is_worth_nothing(town: Town, idp: Idp) -> None:
    mallory = town.stranger("ada")
    mallory.http.post("/v1/signup", json={"email": mallory.email, "password": PASSWORD, "name": "M"})
    assert log_in(town, idp).status_code == 303
    stolen = mallory.http.post("/v1/login", json={"email": mallory.email, "password": PASSWORD})
    assert stolen.status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "them"},
        {"nonce": "another"},
        {"exp": 1_000_000},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
        {"email": "a@b.de\nBcc: c@d.de"},
    ],
    ids=["issuer", "audience", "nonce", "expired", "unproved", "text", "no address", "two lines"],
)
def test_a_token_that_is_not_for_this_login_is_refused(town: Town, idp: Idp, claims: dict[str, Any]) -> None:
    idp.claims |= claims
    assert log_in(town, idp).status_code == 401


def test_a_token_with_a_foreign_signature_is_refused(town: Town, idp: Idp) -> None:
    idp.signer = RSAKey.generate_key(2048, {"kid": "one"})
    assert log_in(town, idp).status_code == 401


def test_a_token_signed_with_the_public_key_as_a_password_is_refused(town: Town, idp: Idp) -> None:
    idp.algorithm, idp.signer = "HS256", OctKey.import_key("x" * 64)
    assert log_in(town, idp).status_code == 401


def test_the_answer_to_another_browser_is_refused(town: Town, idp: Idp) -> None:
    mine, theirs = town.stranger("a").http, town.stranger("b").http
    asked = begin(mine, idp)
    begin(theirs, idp)
    params = {"state": asked["state"], "code": "good"}
    assert theirs.get(CALLBACK, params=params, follow_redirects=False).status_code == 401
    assert town.stranger("c").http.get(CALLBACK, params=params, follow_redirects=False).status_code == 401


def test_a_provider_that_fails_is_told_as_such(town: Town, idp: Idp) -> None:
    browser = town.stranger("ada").http
    asked = begin(browser, idp)
    params = {"state": asked["state"], "code": "stolen"}
    assert browser.get(CALLBACK, params=params, follow_redirects=False).status_code == 503
    idp.down = True
    assert browser.get(CALLBACK, params=params | {"code": "good"}, follow_redirects=False).status_code == 503


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"issuer": "http://id.example.com", "client_id": "us", "client_secret": "s"}, "https"),
        ({"issuer": ISSUER, "client_id": "us"}, "APP_OIDC__CLIENT_SECRET"),
    ],
)
def test_half_a_setting_stops_the_start(values: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Provider(OIDCSettings.model_validate(values), "http://127.0.0.1:8000/x")


def test_without_the_setting_there_is_no_such_login(settings: Settings, tmp_path: Path) -> None:
    with open_town(settings, tmp_path) as town:
        assert town.stranger("x").http.get("/v1/login/oidc").status_code == 404
