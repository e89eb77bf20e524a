"""Organisations: who may do what to whom, invitations that work once, and a log of all of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from app.errors import InvalidInput
from app.organisations.audit import Actor
from app.organisations.tables import invitations
from app.tenancy.scope import OrganisationScope, Role
from tests.integration.town import PASSWORD, Person, Town, local_settings, open_town

ROLES = ["viewer", "member", "admin", "owner"]
CALLS = [  # the lowest role that may
    ("GET", "", None, "viewer"),
    ("PATCH", "", {"name": "Other"}, "admin"),
    ("GET", "/members", None, "viewer"),
    ("GET", "/invitations", None, "admin"),
    ("POST", "/invitations", {"email": "new@example.com"}, "admin"),
    ("GET", "/keys", None, "admin"),
    ("POST", "/keys", {"name": "ci", "scopes": ["ask"]}, "admin"),
    ("GET", "/audit", None, "admin"),
    ("POST", "/delete", {"password": PASSWORD}, "owner"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with open_town(local_settings(folder), folder) as opened:
        yield opened


@pytest.fixture
def town(service: Town) -> Town:
    return service.for_another_test()


@pytest.fixture
def owner(town: Town) -> Person:
    return town.person("owner")


@pytest.fixture
def acme(owner: Person) -> str:
    return owner.founds("Acme")


def at(organisation: str, path: str = "") -> str:
    return f"/v1/organisations/{organisation}{path}"


def test_who_makes_an_organisation_owns_it(owner: Person, acme: str) -> None:
    assert owner.gets("/v1/organisations") == [{"id": acme, "name": "Acme", "role": "owner"}]
    assert owner.gets(at(acme)) == {"id": acme, "name": "Acme", "role": "owner"}


def test_nobody_owns_more_than_the_settings_allow(owner: Person) -> None:
    for n in range(5):
        owner.founds(f"Number {n}")
    assert owner.does("POST", "/v1/organisations", {"name": "One more"}).status_code == 422


@pytest.mark.parametrize("role", ROLES)
def test_each_call_admits_a_role_and_those_above_it(town: Town, owner: Person, acme: str, role: str) -> None:
    caller = town.joined(owner, acme, role)
    for method, path, body, lowest in CALLS:
        response = caller.does(method, at(acme, path), body)
        allowed = ROLES.index(role) >= ROLES.index(lowest)
        assert (response.status_code < 300) == allowed, (method, path, response.text)
        assert allowed or response.status_code == 403


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_who_is_no_admin_changes_no_member(town: Town, owner: Person, acme: str, role: str) -> None:
    caller, other = town.joined(owner, acme, role), town.joined(owner, acme, "admin")
    assert caller.does("PATCH", at(acme, f"/members/{caller.id}"), {"role": "owner"}).status_code == 403
    assert caller.does("DELETE", at(acme, f"/members/{other.id}")).status_code == 403
    assert caller.does("DELETE", at(acme, f"/members/{caller.id}")).status_code == 204, "leaving is free"


def test_an_admin_neither_makes_nor_unmakes_owners(town: Town, owner: Person, acme: str) -> None:
    admin, member = town.joined(owner, acme, "admin"), town.joined(owner, acme, "member")
    for user, role in ((admin.id, "owner"), (member.id, "owner"), (owner.id, "viewer")):
        assert admin.does("PATCH", at(acme, f"/members/{user}"), {"role": role}).status_code == 403
    assert admin.does("DELETE", at(acme, f"/members/{owner.id}")).status_code == 403
    assert admin.invites(acme, "x@example.com", "owner").status_code == 403
    assert admin.does("PATCH", at(acme, f"/members/{member.id}"), {"role": "admin"}).status_code == 204
    assert admin.does("DELETE", at(acme, f"/members/{member.id}")).status_code == 204


def test_a_lost_role_is_lost_at_once(town: Town, owner: Person, acme: str) -> None:
    admin = town.joined(owner, acme, "admin")
    assert admin.does("GET", at(acme, "/audit")).status_code == 200
    owner.does("PATCH", at(acme, f"/members/{admin.id}"), {"role": "viewer"})
    assert admin.does("GET", at(acme, "/audit")).status_code == 403
    owner.does("DELETE", at(acme, f"/members/{admin.id}"))
    assert admin.does("GET", at(acme)).status_code == 404


def test_an_organisation_keeps_an_owner(owner: Person, acme: str) -> None:
    assert owner.does("PATCH", at(acme, f"/members/{owner.id}"), {"role": "admin"}).status_code == 422
    assert owner.does("DELETE", at(acme, f"/members/{owner.id}")).status_code == 422
    assert owner.gets(at(acme))["role"] == "owner"


def test_of_two_owners_who_leave_at_once_one_stays(town: Town, owner: Person, acme: str) -> None:
    second = town.joined(owner, acme, "owner")
    organisations, together = town.app.state.organisations, Barrier(2)

    def leave(user: str) -> bool:
        together.wait(10)
        by = Actor(OrganisationScope(acme, user, Role.OWNER), f"user:{user}", "")
        try:
            organisations.remove(by, user)
        except InvalidInput:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, [owner.id, second.id])) == [False, True]


@pytest.mark.parametrize("user", ["0" * 16, "f" * 16])
def test_guessed_members_are_unknown(owner: Person, acme: str, user: str) -> None:
    assert owner.does("PATCH", at(acme, f"/members/{user}"), {"role": "viewer"}).status_code == 404
    assert owner.does("DELETE", at(acme, f"/members/{user}")).status_code == 404


def test_a_member_of_another_organisation_is_unknown_here(town: Town, owner: Person, acme: str) -> None:
    bob = town.person("bob")
    theirs = bob.founds("Theirs")
    assert owner.does("PATCH", at(acme, f"/members/{bob.id}"), {"role": "viewer"}).status_code == 404
    assert owner.does("DELETE", at(acme, f"/members/{bob.id}")).status_code == 404
    assert bob.gets(at(theirs))["role"] == "owner"


def test_an_invitation_works_once_and_for_its_address_alone(town: Town, owner: Person, acme: str) -> None:
    bob, mallory = town.person("bob"), town.person("mallory")
    owner.invites(acme, bob.email, "admin")
    link = {"token": town.link_to(bob.email)}
    assert mallory.does("POST", "/v1/invitations/accept", link).status_code == 404
    assert bob.does("POST", "/v1/invitations/accept", link).json() == {"id": acme, "name": "Acme", "role": "admin"}
    assert bob.does("POST", "/v1/invitations/accept", link).status_code == 404
    assert owner.gets(at(acme, "/invitations")) == []


def test_a_used_invitation_does_not_bring_back_who_was_removed(town: Town, owner: Person, acme: str) -> None:
    bob = town.joined(owner, acme, "member")
    owner.does("DELETE", at(acme, f"/members/{bob.id}"))
    assert bob.accepts().status_code == 404
    assert bob.does("GET", at(acme)).status_code == 404


def test_withdrawn_late_and_replaced_invitations_are_over(town: Town, owner: Person, acme: str) -> None:
    bob = town.person("bob")
    identifier = owner.invites(acme, bob.email).json()["id"]
    first = town.link_to(bob.email)
    assert owner.does("DELETE", at(acme, f"/invitations/{identifier}")).status_code == 204
    assert bob.does("POST", "/v1/invitations/accept", {"token": first}).status_code == 404
    owner.invites(acme, bob.email)
    second = town.link_to(bob.email)
    owner.invites(acme, bob.email)
    assert bob.does("POST", "/v1/invitations/accept", {"token": second}).status_code == 404
    with town.app.state.tenants.engine.begin() as connection:
        connection.execute(invitations.update().values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert bob.accepts().status_code == 404
    assert owner.gets(at(acme, "/invitations")) == []


def test_an_invitation_of_another_organisation_is_unknown(town: Town, owner: Person, acme: str) -> None:
    bob = town.person("bob")
    theirs = bob.founds("Theirs")
    identifier = bob.invites(theirs, "carol@example.com").json()["id"]
    assert owner.does("DELETE", at(acme, f"/invitations/{identifier}")).status_code == 404
    assert len(bob.gets(at(theirs, "/invitations"))) == 1


def test_who_belongs_already_keeps_the_role(town: Town, owner: Person, acme: str) -> None:
    admin = town.joined(owner, acme, "admin")
    owner.invites(acme, admin.email, "viewer")
    assert admin.accepts().json()["role"] == "admin"
    assert owner.invites(acme, owner.email, "viewer").status_code == 201
    assert owner.accepts().json()["role"] == "owner"


def test_the_name_of_an_organisation_stays_out_of_headers(town: Town, owner: Person) -> None:
    name = "Bcc: all@example.com <script>"
    owner.invites(owner.founds(name), "bob@example.com")
    mail = town.mails_to("bob@example.com")[0]
    assert name not in str(mail["Subject"])
    assert mail["Bcc"] is None
    assert owner.does("POST", "/v1/organisations", {"name": "two\r\nlines"}).status_code == 422


@pytest.mark.parametrize("extra", ["id", "owner", "plan", "created_at"])
def test_no_field_is_set_that_the_call_does_not_name(owner: Person, acme: str, extra: str) -> None:
    assert owner.does("POST", "/v1/organisations", {"name": "x", extra: "x"}).status_code == 422
    assert owner.does("PATCH", at(acme), {"name": "x", extra: "x"}).status_code == 422
    invitation = {"email": "x@example.com", "organisation": "f" * 16}
    assert owner.does("POST", at(acme, "/invitations"), invitation).status_code == 422


def test_every_deed_is_in_the_audit_log(town: Town, owner: Person, acme: str) -> None:
    admin = town.joined(owner, acme, "admin")
    owner.does("PATCH", at(acme), {"name": "Acme Ltd"})
    secret = owner.makes_key(acme, "ask")
    key = owner.gets(at(acme, "/keys"))[0]["id"]
    owner.does("DELETE", at(acme, f"/keys/{key}"))
    owner.does("PATCH", at(acme, f"/members/{admin.id}"), {"role": "member"})
    owner.does("DELETE", at(acme, f"/members/{admin.id}"))
    entries = owner.gets(at(acme, "/audit"))
    assert [entry["action"] for entry in reversed(entries)] == [
        "organisation.created", "invitation.created", "invitation.accepted", "organisation.renamed",
        "key.created", "key.revoked", "member.role", "member.removed",
    ]  # fmt: skip
    assert {entry["email"] for entry in entries} == {owner.email, admin.email}
    assert {entry["actor"] for entry in entries} == {f"user:{owner.id}", f"user:{admin.id}"}
    assert secret not in str(entries)
    last = owner.gets(at(acme, f"/audit?limit=1&before={entries[0]['id']}"))
    assert [entry["action"] for entry in last] == ["member.role"]


def test_a_refused_deed_leaves_no_entry(owner: Person, acme: str) -> None:
    before = owner.gets(at(acme, "/audit"))
    owner.does("DELETE", at(acme, f"/members/{owner.id}"))
    assert owner.gets(at(acme, "/audit")) == before


def test_the_audit_log_of_another_organisation_is_not_shown(town: Town, owner: Person, acme: str) -> None:
    bob = town.person("bob")
    theirs = bob.founds("Theirs")
    assert [entry["target"] for entry in bob.gets(at(theirs, "/audit"))] == ["Theirs"]
    assert [entry["target"] for entry in owner.gets(at(acme, "/audit"))] == ["Acme"]


def test_a_deleted_organisation_is_gone_for_everybody(town: Town, owner: Person, acme: str) -> None:
    member, secret = town.joined(owner, acme, "member"), owner.makes_key(acme, "ask")
    assert owner.does("POST", at(acme, "/delete"), {"password": "not the one"}).status_code == 401
    assert owner.does("POST", at(acme, "/delete"), {"password": PASSWORD}).status_code == 204
    assert {person.does("GET", at(acme)).status_code for person in (owner, member)} == {404}
    assert member.gets("/v1/organisations") == []
    headers = {"Authorization": f"Bearer {secret}"}
    assert town.stranger("x").http.get(at(acme), headers=headers).status_code == 401
