"""A ticket over HTTP: a suggestion with sources, a person where one is needed, and nobody else's eyes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.billing.plans import Kind
from app.settings import Settings
from app.tenancy.scope import new_id
from tests.integration.office import at, limit, read_all, uploads, used
from tests.integration.town import Person, Town, open_town

ARTICLE = "# Returns\n\nA garden can be sent back within 30 days of delivery, also when it was used.\n"
ASKED = {"subject": "Return", "body": "Hi! Can a used garden be sent back? Thanks, Ben", "customer": "ben@example.com"}


@pytest.fixture
def town(settings: Settings, tmp_path: Path) -> Iterator[Town]:
    with open_town(settings, tmp_path) as opened:
        yield opened


@pytest.fixture
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture
def acme(town: Town, ada: Person) -> str:
    organisation = ada.founds("Acme")
    assert uploads(ada, organisation, "orders/returns.md", ARTICLE).status_code == 202
    read_all(town, organisation)
    return organisation


def test_a_ticket_gets_a_reply_with_its_source(ada: Person, acme: str) -> None:
    response = ada.does("POST", at(acme, "tickets"), ASKED)
    assert response.status_code == 201
    ticket = response.json()
    assert ticket["state"] == "suggested"
    assert "within 30 days" in ticket["suggestion"]["reply"]
    assert ticket["suggestion"]["citations"][0]["document"] == "orders/returns.md"
    assert (ticket["suggestion"]["topic"], ticket["suggestion"]["handover"]) == ("orders", False)
    assert ada.gets(at(acme, f"tickets/{ticket['id']}")) == ticket


def test_what_the_articles_do_not_say_goes_to_a_person(ada: Person, acme: str) -> None:
    asked = {"subject": "Mushrooms", "body": "Do you sell kits for oyster mushrooms?"}
    ticket = ada.does("POST", at(acme, "tickets"), asked).json()
    assert (ticket["state"], ticket["suggestion"]["reply"]) == ("handed_over", "")
    assert (ticket["suggestion"]["confidence"], ticket["suggestion"]["topic"]) == ("low", "general")


def test_a_rule_hands_over_what_could_be_answered(ada: Person, acme: str) -> None:
    asked = {**ASKED, "body": f"{ASKED['body']} My lawyer asks as well."}
    ticket = ada.does("POST", at(acme, "tickets"), asked).json()
    assert ticket["state"] == "handed_over"
    assert ticket["suggestion"]["reasons"] == ["The customer speaks of legal steps."]


def test_a_person_answers_hands_over_and_deletes(ada: Person, acme: str) -> None:
    path = at(acme, f"tickets/{ada.does('POST', at(acme, 'tickets'), ASKED).json()['id']}")
    handed = ada.does("POST", f"{path}/handover", {"note": "Ask Eli."}).json()
    assert (handed["state"], handed["note"]) == ("handed_over", "Ask Eli.")
    sent = ada.does("POST", f"{path}/answer", {"text": "Yes, within 30 days."}).json()
    assert (sent["state"], sent["reply"]) == ("answered", "Yes, within 30 days.")
    assert ada.gets(at(acme, "tickets?state=suggested")) == []
    assert len(ada.gets(at(acme, "tickets?state=answered"))) == 1
    assert ada.does("DELETE", path).status_code == 204
    assert ada.does("GET", path).status_code == 404


def test_a_suggestion_counts_as_a_question_and_none_is_kept_beyond_the_plan(town: Town, ada: Person, acme: str) -> None:
    limit(town, questions=1)
    assert ada.does("POST", at(acme, "tickets"), ASKED).status_code == 201
    assert used(town, ada, acme)[Kind.QUESTIONS] == 1
    assert ada.does("POST", at(acme, "tickets"), ASKED).status_code == 402
    assert len(ada.gets(at(acme, "tickets"))) == 1


def test_another_organisations_ticket_does_not_exist(town: Town, ada: Person, acme: str) -> None:
    identifier = ada.does("POST", at(acme, "tickets"), ASKED).json()["id"]
    eve = town.person("eve")
    own = eve.founds("Evil")
    calls: list[tuple[str, str, object]] = [
        ("GET", "", None),
        ("POST", "", ASKED),
        ("GET", f"/{identifier}", None),
        ("POST", f"/{identifier}/answer", {"text": "x"}),
        ("POST", f"/{identifier}/handover", {}),
        ("DELETE", f"/{identifier}", None),
    ]
    for method, path, body in calls:
        assert eve.does(method, at(acme, f"tickets{path}"), body).status_code == 404, path
        if path:
            assert eve.does(method, at(own, f"tickets{path}"), body).status_code == 404, path
    assert ada.gets(at(acme, f"tickets/{identifier}"))["state"] == "suggested"


def test_a_ticket_that_does_not_fit_is_refused(ada: Person, acme: str) -> None:
    misfits: list[dict[str, object]] = [
        {"subject": ""},
        {"body": "x" * 10_001},
        {"subject": "a\x00b"},
        {"state": "answered"},
        {"body": None},
    ]
    for wrong in misfits:
        assert ada.does("POST", at(acme, "tickets"), {**ASKED, **wrong}).status_code == 422, list(wrong)


def test_an_invented_id_is_no_ticket(ada: Person, acme: str) -> None:
    assert ada.does("GET", at(acme, f"tickets/{new_id()}")).status_code == 404
    assert ada.does("POST", at(acme, f"tickets/{new_id()}/answer"), {"text": "x"}).status_code == 404


def test_a_viewer_reads_and_does_not_write(town: Town, ada: Person, acme: str) -> None:
    ada.does("POST", at(acme, "tickets"), ASKED)
    viewer = town.joined(ada, acme, "viewer")
    (ticket,) = viewer.gets(at(acme, "tickets"))
    page = viewer.http.get(f"/o/{acme}/tools/inbox?ticket={ticket['id']}&reply=Yes").text
    assert "within 30 days" in page
    assert "New ticket" not in page
    assert viewer.gets(at(acme, f"tickets/{ticket['id']}"))["state"] == "suggested", "an address changes nothing"
    assert viewer.does("POST", at(acme, "tickets"), ASKED).status_code == 403


def test_the_inbox_takes_a_ticket_shows_its_suggestion_and_notes_the_reply(ada: Person, acme: str) -> None:
    address = f"/o/{acme}/tools/inbox"
    assert "New ticket" in ada.http.get(address).text
    shown = ada.http.post(address, data={"csrf_token": ada.csrf, **ASKED, "subject": "<b>Return</b>"}).text
    assert "within 30 days" in shown
    assert "&lt;b&gt;Return" in shown
    (ticket,) = ada.gets(at(acme, "tickets"))
    ada.http.post(address, data={"csrf_token": ada.csrf, "ticket": ticket["id"], "reply": "Yes."})
    assert ada.gets(at(acme, f"tickets/{ticket['id']}"))["state"] == "answered"
