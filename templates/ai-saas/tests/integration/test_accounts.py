"""Accounts: an address is proved before it counts, links work once, and strangers learn nothing from answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from httpx2 import Response
from sqlalchemy.engine import Engine

from app.accounts.passwords import HASHER
from app.accounts.tables import links, users
from app.settings import Settings
from tests.integration.town import PASSWORD, Person, Town, local_settings, open_town

OTHER = "another four quiet words"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with open_town(local_settings(folder), folder) as opened:
        yield opened


@pytest.fixture
def town(service: Town) -> Town:
    return service.for_another_test()


def told(response: Response) -> tuple[int, dict[str, object]]:
    """What a caller can tell answers apart by."""
    own = ("request_id",)
    return response.status_code, {name: value for name, value in response.json().items() if name not in own}


def engine_of(town: Town) -> Engine:
    engine: Engine = town.app.state.tenants.engine
    return engine


def log_in(person: Person, password: str) -> Response:
    return person.http.post("/v1/login", json={"email": person.email, "password": password})


def test_a_person_signs_up_confirms_and_logs_in(town: Town) -> None:
    ada = town.person("ada")
    me = ada.gets("/v1/me")
    assert set(me) == {"id", "email", "name", "operator", "created_at", "csrf_token"}, "and nothing of the password"
    assert (me["email"], me["operator"]) == (ada.email, False)


def test_an_address_is_one_however_it_is_spelt(town: Town) -> None:
    same = town.person("ada")
    same.email = f"  {same.email.upper()} "
    same.logs_in()


def test_nobody_logs_in_before_the_address_is_confirmed(town: Town) -> None:
    ada = town.stranger("ada")
    ada.http.post("/v1/signup", json={"email": ada.email, "password": PASSWORD, "name": "Ada"})
    assert log_in(ada, PASSWORD).status_code == 403
    assert log_in(ada, OTHER).status_code == 401


def test_a_link_works_once(town: Town) -> None:
    ada = town.stranger("ada").signs_up()
    again = ada.http.post("/v1/verify", json={"token": town.link_to(ada.email)})
    assert again.status_code == 404


def test_a_link_ends(town: Town) -> None:
    ada = town.person("ada")
    ada.http.post("/v1/password/forgotten", json={"email": ada.email})
    with engine_of(town).begin() as connection:
        connection.execute(links.update().values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    late = ada.http.post("/v1/password/reset", json={"token": town.link_to(ada.email), "password": OTHER})
    assert late.status_code == 404
    assert log_in(ada, PASSWORD).status_code == 200


def test_a_link_for_one_thing_does_not_do_another(town: Town) -> None:
    ada = town.stranger("ada")
    ada.http.post("/v1/signup", json={"email": ada.email, "password": PASSWORD, "name": "Ada"})
    wrong = ada.http.post("/v1/password/reset", json={"token": town.link_to(ada.email), "password": OTHER})
    assert wrong.status_code == 404


@pytest.mark.parametrize("token", ["x" * 43, "' OR 1=1 --" + " " * 20, "\x00" * 43], ids=["random", "sql", "nul"])
def test_a_forged_link_opens_nothing(town: Town, token: str) -> None:
    ada = town.stranger("ada").signs_up()
    assert ada.http.post("/v1/verify", json={"token": token}).status_code == 404
    assert ada.http.post("/v1/password/reset", json={"token": token, "password": OTHER}).status_code == 404


def test_links_passwords_and_sessions_are_stored_as_hashes(settings: Settings, tmp_path: Path) -> None:
    with open_town(settings, tmp_path) as town:
        ada = town.person("ada")
        ada.http.post("/v1/password/forgotten", json={"email": ada.email})
    session = ada.http.cookies["session"]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("app.db*"))
    assert b"ada@example.com" in stored
    assert not [s for s in (PASSWORD, town.link_to(ada.email), session, ada.csrf) if s.encode() in stored]


def test_sign_up_answers_the_same_for_an_address_with_an_account(town: Town) -> None:
    ada, bob = town.person("ada"), town.stranger("bob")
    body = {"password": OTHER, "name": "Mallory"}
    known = bob.http.post("/v1/signup", json={"email": ada.email, **body})
    unknown = bob.http.post("/v1/signup", json={"email": bob.email, **body})
    assert told(known) == told(unknown) == (202, {"detail": "If this can be done, an e-mail is on its way."})
    assert "already" in str(town.mails_to(ada.email)[-1]["Subject"])
    assert log_in(ada, OTHER).status_code == 401, "a stranger's sign-up must not change an account"


def test_a_forgotten_password_answers_the_same_for_an_unknown_address(town: Town) -> None:
    ada, nobody = town.person("ada"), town.stranger("nobody")
    answers = [nobody.http.post("/v1/password/forgotten", json={"email": p.email}) for p in (ada, nobody)]
    assert told(answers[0]) == told(answers[1])
    assert town.mails_to(nobody.email) == []


def test_login_answers_the_same_for_an_unknown_address(town: Town) -> None:
    ada, nobody = town.person("ada"), town.stranger("nobody")
    assert told(log_in(ada, OTHER)) == told(log_in(nobody, OTHER))


def test_an_unknown_address_costs_the_same_work(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.person("ada")
    checked: list[str] = []
    verify = HASHER.verify
    monkeypatch.setattr(HASHER, "verify", lambda password, stored: checked.append(stored) or verify(password, stored))
    for name in ("ada", "nobody"):
        log_in(town.stranger(name), OTHER)
    assert len(checked) == 2
    assert {stored.rpartition("$")[0].rpartition("$")[0] for stored in checked} == {"$argon2id$v=19$m=19456,t=2,p=1"}


def test_a_mailbox_is_not_flooded(town: Town) -> None:
    ada, mallory = town.person("ada"), town.stranger("mallory")
    before = len(town.mails_to(ada.email))
    for _ in range(5):
        mallory.http.post("/v1/password/forgotten", json={"email": ada.email})
    assert len(town.mails_to(ada.email)) == before + 1


def test_one_network_address_cannot_make_us_send_without_end(town: Town) -> None:
    mallory = town.stranger("mallory")
    answers = [
        mallory.http.post("/v1/verify/again", json={"email": f"victim{n}@example.com"}).status_code for n in range(22)
    ]
    assert answers[0] == 202
    assert answers[-1] == 429


@pytest.mark.parametrize("name", ["ada", "nobody"], ids=["account", "no account"])
def test_guessing_is_slowed_down_with_and_without_an_account(town: Town, name: str) -> None:
    town.person("ada")
    guesser = town.stranger(name)
    assert [log_in(guesser, f"wrong {n}").status_code for n in range(5)] == [401] * 5
    refused = log_in(guesser, PASSWORD)
    assert refused.status_code == 429, "not even the right password may be tried now"
    assert 0 < int(refused.headers["Retry-After"]) <= 30


def test_a_new_password_ends_sessions_and_the_lock(town: Town) -> None:
    ada, mallory = town.person("ada"), town.stranger("ada")
    for n in range(5):
        log_in(mallory, f"wrong {n}")
    mallory.http.post("/v1/password/forgotten", json={"email": ada.email})
    reset = ada.http.post("/v1/password/reset", json={"token": town.link_to(ada.email), "password": OTHER})
    assert reset.status_code == 204
    assert ada.does("GET", "/v1/me").status_code == 401
    ada.logs_in(OTHER)
    assert "was changed" in str(town.mails_to(ada.email)[-1]["Subject"])


def test_a_changed_password_ends_the_other_sessions(town: Town) -> None:
    ada, elsewhere = town.person("ada"), town.stranger("ada").logs_in()
    assert ada.does("POST", "/v1/password", {"old": OTHER, "new": OTHER}).status_code == 401
    assert ada.does("POST", "/v1/password", {"old": PASSWORD, "new": OTHER}).status_code == 204
    assert ada.does("GET", "/v1/me").status_code == 200
    assert elsewhere.does("GET", "/v1/me").status_code == 401


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "Password123", "adaada", "x" * 201, ""])
def test_passwords_that_are_easily_guessed_are_refused(town: Town, password: str) -> None:
    ada = town.stranger("ada")
    body = {"email": ada.email, "password": password or ada.email, "name": "Ada"}
    assert ada.http.post("/v1/signup", json=body).status_code == 422


@pytest.mark.parametrize("extra", ["id", "verified_at", "operator", "role", "organisation", "is_admin"])
def test_no_field_is_set_that_the_call_does_not_name(town: Town, extra: str) -> None:
    ada = town.person("ada")
    body = {"email": "bob@example.com", "password": OTHER, "name": "Bob", extra: "x"}
    assert ada.http.post("/v1/signup", json=body).status_code == 422
    assert ada.does("PATCH", "/v1/me", {"name": "Ada", extra: "x"}).status_code == 422
    assert ada.does("PATCH", "/v1/me", {"name": "Ada", "email": "b@example.com"}).status_code == 422


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "a@b c", "ada@example.com\nBcc: all@example.com", "\u0430da@example.com", "a" * 250 + "@b.de"],
)
def test_what_is_no_plain_address_is_refused(town: Town, email: str) -> None:
    stranger = town.stranger("ada")
    body = {"email": email, "password": PASSWORD, "name": "Ada"}
    assert stranger.http.post("/v1/signup", json=body).status_code == 422


def test_a_name_is_one_line(town: Town) -> None:
    ada = town.person("ada")
    assert ada.does("PATCH", "/v1/me", {"name": "Ada\nSubject: hello"}).status_code == 422
    assert ada.does("PATCH", "/v1/me", {"name": "<b>Åda</b> {{ 7*7 }}"}).json()["name"] == "<b>Åda</b> {{ 7*7 }}"


def test_operators_are_those_whom_the_settings_name(settings: Settings, tmp_path: Path) -> None:
    settings.operators = ["Root@example.com"]
    with open_town(settings, tmp_path) as town:
        assert town.person("root").gets("/v1/me")["operator"] is True
        assert town.person("ada").gets("/v1/me")["operator"] is False


def test_an_account_is_deleted_with_all_that_is_its_own(town: Town) -> None:
    ada, owner = town.person("ada"), town.person("owner")
    organisation = owner.founds()
    owner.invites(organisation, ada.email)
    ada.accepts()
    assert ada.does("POST", "/v1/me/delete", {"password": OTHER}).status_code == 401
    assert ada.does("POST", "/v1/me/delete", {"password": PASSWORD}).status_code == 204
    assert log_in(ada, PASSWORD).status_code == 401
    assert [m["email"] for m in owner.gets(f"/v1/organisations/{organisation}/members")] == [owner.email]
    with engine_of(town).connect() as connection:
        assert ada.email not in {row.email for row in connection.execute(users.select())}


def test_the_last_owner_cannot_delete_the_account(town: Town) -> None:
    ada = town.person("ada")
    ada.founds()
    assert ada.does("POST", "/v1/me/delete", {"password": PASSWORD}).status_code == 422
    assert len(ada.gets("/v1/organisations")) == 1
