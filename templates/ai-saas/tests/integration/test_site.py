"""Pages: the way from sign-up to an answer without a script, and forms that refuse what does not fit."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from httpx2 import Response

from app.accounts.settings import AccountSettings
from app.settings import Settings
from app.tenancy.scope import Role
from app.workspace.flavour import Tool, chosen
from tests.integration.town import PASSWORD, Person, Town, open_town

NOT_IT, SHORT = "not the right one", "short"
FIELD = re.compile(r'name="csrf_token" value="([^"]*)"')
TEXT = re.compile(r"<[^>]+>")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service for all tests of this file: each founds an organisation of its own."""
    folder = tmp_path_factory.mktemp("town")
    url = f"sqlite:///{folder}/app.db"
    settings = Settings.model_validate({"store": {"url": url}, "operators": ["root@example.com"]})
    settings.accounts = AccountSettings.model_validate({"organisations": 1000})
    with open_town(settings, folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture(scope="module")
def bob(town: Town) -> Person:
    return town.person("bob")


@pytest.fixture
def acme(ada: Person) -> str:
    return ada.founds("Acme")


def sends(person: Person, path: str, **fields: str) -> Response:
    """Send a form as the page does."""
    data = {"csrf_token": person.csrf, **fields}
    return person.http.post(path, data=data, follow_redirects=False)


def opens(person: Person, path: str) -> str:
    """The text of a page that has to be there."""
    response = person.http.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/html")
    return words(response)


def words(response: Response) -> str:
    """What a reader sees, without the markup."""
    return unescape(" ".join(TEXT.sub(" ", response.text).split()))


def test_the_way_from_the_landing_page_into_an_organisation(town: Town) -> None:
    ada = town.stranger("new")
    for page in ("/", "/pricing", "/signup", "/login", "/forgotten"):
        opens(ada, page)
    assert "Check your mailbox" in words(sends(ada, "/signup", name="Ada", email=ada.email, password=PASSWORD))
    link = f"/verify?token={town.link_to(ada.email)}"
    assert "Confirm your address" in opens(ada, link)
    assert "Confirm your address" in opens(ada, link), "opening the link alone does not use it up"
    assert "is confirmed" in words(sends(ada, "/verify", token=town.link_to(ada.email)))

    logged_in = sends(ada, "/login", email=ada.email, password=PASSWORD)
    assert (logged_in.status_code, logged_in.headers["location"]) == (303, "/app")
    assert "Set up your organisation" in opens(ada, "/app")
    found = FIELD.search(ada.http.get("/organisations/new").text)
    assert found
    ada.csrf = found[1]
    made = sends(ada, "/organisations/new", name="Acme <b>&</b> Sons")
    assert re.fullmatch(r"/o/[0-9a-f]{16}", made.headers["location"])
    assert "Acme <b>&</b> Sons" in opens(ada, made.headers["location"]), "a name is text, never markup"
    assert sends(ada, "/logout").headers["location"] == "/"
    assert ada.http.get(made.headers["location"], follow_redirects=False).headers["location"].startswith("/login?next=")


PAGES = ["", "/documents", "/ask", "/history", "/members", "/feedback", "/keys", "/audit", "/settings", "/billing"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_an_organisation_opens_and_carries_the_policy(ada: Person, acme: str, page: str) -> None:
    response = ada.http.get(f"/o/{acme}{page}")
    assert response.status_code == 200, response.text
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"
    assert " style=" not in response.text
    assert re.search(r"<script(?![^>]*src=)", response.text) is None
    assert re.search(r"\son\w+=", response.text) is None


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_led_to_the_log_in_and_a_neighbour_finds_nothing(
    town: Town, bob: Person, acme: str, page: str
) -> None:
    stranger, neighbour = town.stranger("eve"), bob
    led = stranger.http.get(f"/o/{acme}{page}", follow_redirects=False)
    assert (led.status_code, led.headers["location"].split("?")[0]) == (303, "/login")
    refused = neighbour.http.get(f"/o/{acme}{page}")
    assert refused.status_code == 404
    assert "Acme" not in refused.text


FORMS = [
    "/samples",
    "/documents/0/delete",
    "/history/00000000/share",
    "/history/00000000/delete",
    "/shares/0/revoke",
    "/members/invite",
    f"/members/{'0' * 16}/role",
    f"/members/{'0' * 16}/remove",
    f"/invitations/{'0' * 16}/revoke",
    "/keys/create",
    f"/keys/{'0' * 16}/revoke",
    "/settings/profile",
    "/settings/password",
    "/settings/organisation",
    "/settings/delete",
    "/billing/plan",
    "/billing/portal",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_for_a_foreign_organisation_finds_nothing(bob: Person, acme: str, form: str) -> None:
    assert sends(bob, f"/o/{acme}{form}", plan="team", name="x", password=PASSWORD).status_code == 404


@pytest.mark.parametrize("form", FORMS)
def test_a_form_without_its_proof_does_nothing(ada: Person, acme: str, form: str) -> None:
    for data in ({}, {"csrf_token": ""}, {"csrf_token": "0" * 64}):
        assert ada.http.post(f"/o/{acme}{form}", data=data).status_code == 403
    foreign = {"csrf_token": ada.csrf}
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert ada.http.post(f"/o/{acme}{form}", data=foreign, headers=headers).status_code == 403


def test_what_a_viewer_may_not_do_no_form_does(town: Town, ada: Person, acme: str) -> None:
    viewer = town.joined(ada, acme, "viewer")
    for form in ("/members/invite", "/keys/create", "/settings/organisation", "/settings/delete", "/billing/plan"):
        assert sends(viewer, f"/o/{acme}{form}", plan="team").status_code == 403
    assert "Invite somebody" not in opens(viewer, f"/o/{acme}/members")
    assert "Delete the organisation" not in opens(viewer, f"/o/{acme}/settings")
    assert "Upgrade to" not in opens(viewer, f"/o/{acme}/billing")


def test_a_wrong_password_says_so_and_keeps_the_address(town: Town, ada: Person) -> None:
    stranger = town.stranger("eve")
    answer = sends(stranger, "/login", email=ada.email, password=NOT_IT)
    assert answer.status_code == 401
    assert "do not belong together" in words(answer)
    assert f'value="{ada.email}"' in answer.text
    assert NOT_IT not in answer.text


@pytest.mark.parametrize(
    "next_page", ["https://evil.example", "//evil.example", "/\\evil.example", "/o/\\\\evil", "javascript:alert(1)", ""]
)
def test_the_log_in_leads_to_our_own_pages_alone(town: Town, ada: Person, next_page: str) -> None:
    stranger = town.stranger("ada")
    answer = sends(stranger, "/login", email=ada.email, password=PASSWORD, next=next_page)
    assert answer.headers["location"] == "/app"


def test_sign_up_answers_the_same_for_known_addresses(town: Town, ada: Person) -> None:
    stranger = town.stranger("eve")
    told = [
        words(sends(stranger, "/signup", name="Eve", email=email, password=PASSWORD)).replace(email, "")
        for email in (ada.email, "nobody@example.com")
    ]
    assert told[0] == told[1]


def test_a_weak_password_and_a_bad_address_are_named_above_the_form(town: Town) -> None:
    stranger = town.stranger("eve")
    weak = sends(stranger, "/signup", name="Eve", email="eve@example.com", password=SHORT)
    assert (weak.status_code, "Password:" in words(weak)) == (422, True)
    bad = sends(stranger, "/signup", name="Eve", email="no address", password=PASSWORD)
    assert (bad.status_code, "Email:" in words(bad)) == (422, True)
    assert PASSWORD not in bad.text


def test_a_key_is_shown_once(ada: Person, acme: str) -> None:
    made = sends(ada, f"/o/{acme}/keys/create", name="ci", scope="ask")
    secret = re.search(r"app_org_[\w-]+", made.text)
    assert secret
    page = opens(ada, f"/o/{acme}/keys")
    assert "ci" in page
    assert secret[0] not in page


def test_an_upgrade_is_on_the_bill_at_once(ada: Person, acme: str) -> None:
    assert "$0.00" in opens(ada, f"/o/{acme}/billing")
    changed = sends(ada, f"/o/{acme}/billing/plan", plan="team")
    assert (changed.status_code, changed.headers["location"]) == (303, f"/o/{acme}/billing?done=plan")
    assert "The plan is changed." in opens(ada, changed.headers["location"])
    month = re.search(r"/billing/invoices/(\d{4}-\d{2})", ada.http.get(f"/o/{acme}/billing").text)
    assert month
    assert "Plan Team" in opens(ada, f"/o/{acme}/billing/invoices/{month[1]}")


@pytest.mark.parametrize("month", ["2026-13", "now", "../../admin", "%00", "9" * 5000])
def test_an_invoice_of_no_month_is_a_page_that_says_so(ada: Person, acme: str, month: str) -> None:
    response = ada.http.get(f"/o/{acme}/billing/invoices/{month}")
    assert response.status_code in (404, 422)
    assert "Traceback" not in response.text


def test_an_unknown_plan_is_refused_above_the_plans(ada: Person, acme: str) -> None:
    answer = sends(ada, f"/o/{acme}/billing/plan", plan="gold")
    assert answer.status_code == 422
    assert "There is no plan" in words(answer)


def test_the_address_chooses_no_text_of_ours(ada: Person, acme: str) -> None:
    page = opens(ada, f"/o/{acme}?done=<script>alert(1)</script>")
    assert "alert(1)" not in page


def test_an_organisation_ends_by_its_owners_password_alone(ada: Person, acme: str) -> None:
    refused = sends(ada, f"/o/{acme}/settings/delete", password=NOT_IT)
    assert refused.status_code == 401
    assert "The password is wrong" in words(refused)
    gone = sends(ada, f"/o/{acme}/settings/delete", password=PASSWORD)
    assert (gone.status_code, gone.headers["location"]) == (303, "/app")
    assert ada.http.get(f"/o/{acme}").status_code == 404


def test_a_form_that_is_too_large_is_refused(ada: Person, acme: str) -> None:
    assert sends(ada, f"/o/{acme}/settings/profile", name="x" * 100_000).status_code == 413


@pytest.mark.parametrize("tool", [tool.name for tool in chosen().tools])
def test_every_tool_of_the_product_has_a_page(ada: Person, bob: Person, acme: str, tool: str) -> None:
    assert "site/" not in opens(ada, f"/o/{acme}/tools/{tool}")
    assert sends(ada, f"/o/{acme}/tools/{tool}").status_code in (200, 404, 422)
    assert sends(bob, f"/o/{acme}/tools/{tool}").status_code == 404


def test_the_products_notice_stands_on_every_page(ada: Person, acme: str) -> None:
    for page in ("/", "/pricing", "/login", *(f"/o/{acme}{page}" for page in PAGES)):
        assert chosen().notice in opens(ada, page)


@pytest.mark.parametrize("path", ["/tools/none", "/nothing", "/document?name=../../etc/passwd", "/ask?conversation=x"])
def test_what_is_not_there_is_a_page_that_says_so(ada: Person, acme: str, path: str) -> None:
    response = ada.http.get(f"/o/{acme}{path}")
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/v1/organisations/x/export", "/v1/shared/none"])
def test_a_browser_gets_a_page_and_a_program_problem_json(ada: Person, path: str) -> None:
    for accepted, kind in {"text/html,*/*;q=0.8": "text/html", "*/*": "application/problem+json"}.items():
        response = ada.http.get(path, headers={"Accept": accepted})
        assert (response.status_code, response.headers["content-type"].split(";")[0]) == (404, kind)


def test_what_is_left_of_the_questions_can_be_read_again_by_a_page(ada: Person, bob: Person, acme: str) -> None:
    part = ada.http.get(f"/o/{acme}/quota")
    assert "0 of 50" in words(part)
    assert "<html" not in part.text
    assert bob.http.get(f"/o/{acme}/quota").status_code == 404


@pytest.mark.parametrize("tool", chosen().tools, ids=lambda tool: tool.name)
def test_a_viewer_uses_the_tools_that_only_read(town: Town, ada: Person, acme: str, tool: Tool) -> None:
    viewer = town.joined(ada, acme, "viewer")
    opens(viewer, f"/o/{acme}/tools/{tool.name}")
    answer = sends(viewer, f"/o/{acme}/tools/{tool.name}")
    assert (answer.status_code == 403) == (tool.role is Role.MEMBER), answer.text


def test_invitations_lead_into_the_organisation(town: Town, ada: Person, bob: Person, acme: str) -> None:
    assert sends(ada, f"/o/{acme}/members/invite", email=bob.email, role="member").status_code == 303
    link = f"/invitation?token={town.link_to(bob.email)}"
    assert "You are invited" in opens(bob, link)
    joined = sends(bob, "/invitation", token=town.link_to(bob.email))
    assert joined.headers["location"] == f"/o/{acme}?done=joined"
    assert "Welcome to the organisation." in opens(bob, joined.headers["location"])
    assert sends(bob, "/invitation", token=town.link_to(bob.email)).status_code == 404


def test_a_lost_password_is_set_anew(town: Town) -> None:
    stranger, cleo = town.stranger("cleo"), town.person("cleo")
    assert "on its way" in words(sends(stranger, "/forgotten", email=cleo.email))
    token, other = town.link_to(cleo.email), "five other words for today"
    assert "Set a new password" in opens(stranger, f"/reset?token={token}")
    assert sends(stranger, "/reset", token=token, password=SHORT).status_code == 422
    assert "The password is set" in words(sends(stranger, "/reset", token=token, password=other))
    assert sends(stranger, "/login", email=cleo.email, password=PASSWORD).status_code == 401
    assert sends(stranger, "/login", email=cleo.email, password=other).status_code == 303
    assert cleo.http.get("/organisations/new", follow_redirects=False).status_code == 303, "the old session has ended"
