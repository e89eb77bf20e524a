"""Hostile files, names, texts and crowds over HTTP: each is refused or kept as plain text, and nothing breaks."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.billing.plans import Kind
from app.settings import Settings
from tests.integration.office import QUESTION, asks, at, limit, read_all, uploads, used
from tests.integration.town import Person, Town, open_town

MOST_BYTES = 60_000
FILES = {
    "broken.pdf": (b"%PDF-1.7\n1 0 obj << /Length 99999999 >> stream\n\xff\xfe", "failed"),
    "no.pdf": (b"<html>not a PDF</html>", "failed"),
    "zeros.md": (b"\x00" * 5_000, "failed"),
    "bytes.txt": (bytes(range(128, 256)) * 40, "failed"),
    "nothing.md": (b"", "failed"),
    "line.md": (b"# One line\n\n" + b"word " * 8_000, "ready"),
    "deep.md": (b"# Deep\n\n" + b"> " * 2_000 + b"bottom of the quotes", "ready"),
    "script.md": (b"# <script>alert(1)</script>\n\n<img src=x onerror=alert(1)> {{ 7 * 7 }}", "ready"),
}
INJECTIONS = [
    "'; DROP TABLE document; --",
    '" OR ""="',
    "1) UNION SELECT sha256 FROM user_session --",
    "{{ 7 * 191 }}{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "${7 * 191} #{7 * 191} %s %(id)s {0.__class__}",
    'NEAR("a" "b") AND * NOT (',
]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service for all tests of this file."""
    folder = tmp_path_factory.mktemp("town")
    api = {"max_body_bytes": MOST_BYTES, "requests_per_minute": 10_000}
    settings = Settings.model_validate({"store": {"url": f"sqlite:///{folder}/app.db"}, "api": api})
    with open_town(settings, folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture(scope="module")
def acme(ada: Person) -> str:
    return ada.founds("Acme")


def sends_file(person: Person, organisation: str, name: str, data: bytes) -> Response:
    """Upload a file as the page does."""
    headers = {"X-CSRF-Token": person.csrf}
    return person.http.post(at(organisation, "documents"), files={"file": (name, data)}, headers=headers)


def test_what_is_in_a_file_breaks_nothing_and_the_reader_is_told(town: Town, ada: Person, acme: str) -> None:
    sent = {name: sends_file(ada, acme, name, data) for name, (data, _) in FILES.items()}
    assert {name: response.status_code for name, response in sent.items()} == dict.fromkeys(FILES, 202)
    read_all(town, acme)
    states = {state["name"]: state for state in ada.gets(at(acme, "documents"))}
    assert {name: states[name]["status"] for name in FILES} == {name: status for name, (_, status) in FILES.items()}
    assert all(state["reason"] for state in states.values() if state["status"] == "failed")
    shown = ada.http.get(f"/o/{acme}/document?name=script.md").text
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown


@pytest.mark.parametrize(
    "name", ["../../up.md", "/etc/up.md", "..\\up.md", "C:\\up.md", "a\x00.md", "no\nline.md", ".."]
)
def test_a_name_that_climbs_is_refused(ada: Person, acme: str, name: str) -> None:
    assert uploads(ada, acme, name=name).status_code == 422
    sent = sends_file(ada, acme, name, b"# Up")
    if sent.status_code != 422:  # a form carries some characters in another spelling, and some not at all
        assert re.fullmatch(r"[\w%.:]+\.md", sent.json()["name"])


@pytest.mark.parametrize("name", ["<b>bold<b>.md", "'; DROP TABLE document; --.md", "{{ 7 * 191 }}.md", "%2e%2e%2f.md"])
def test_an_odd_name_is_text_everywhere(town: Town, ada: Person, acme: str, name: str) -> None:
    assert uploads(ada, acme, name=name).status_code == 202
    read_all(town, acme)
    page = ada.http.get(f"/o/{acme}/documents").text
    assert name in unescape(page)
    assert "<b>bold" not in page
    assert "1337" not in page
    with zipfile.ZipFile(io.BytesIO(ada.http.get(at(acme, "export")).content)) as archive:
        inside = [Path("/safe", member).resolve() for member in archive.namelist()]
    assert all(path.is_relative_to("/safe") for path in inside)


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_text_becomes_a_query_or_a_template(ada: Person, acme: str, text: str) -> None:
    conversation = "hostile-conversation"
    assert asks(ada, acme, text, conversation_id=conversation).status_code == 200
    assert ada.does("PATCH", f"/v1/organisations/{acme}", {"name": text[:90]}).status_code == 200
    for path in ("", "/history", f"/ask?conversation={conversation}"):
        page = ada.http.get(f"/o/{acme}{path}")
        assert page.status_code == 200
        assert text[:90] in unescape(page.text)
        assert "1337" not in page.text
    for call in (f"documents?after={text}", f"documents/{text}", f"conversations/{text}", f"audit?before={text}"):
        assert ada.does("GET", at(acme, call)).status_code in (200, 404, 422), call
    assert ada.gets(at(acme, "conversations")), "every table is still there"


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "in pieces"])
def test_an_upload_that_is_too_large_is_refused(ada: Person, acme: str, announced: bool) -> None:
    body = b'{"name": "large.md", "text": "' + b"x" * MOST_BYTES + b'"}'
    content = body if announced else iter([body[:900], body[900:]])
    headers = {"X-CSRF-Token": ada.csrf, "Content-Type": "application/json"}
    refused = ada.http.post(at(acme, "documents"), content=content, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")
    assert sends_file(ada, acme, "large.md", b"x" * MOST_BYTES).status_code == 413
    assert not [state for state in ada.gets(at(acme, "documents")) if state["name"] == "large.md"]


def test_a_crowd_at_the_end_of_a_plan_gets_no_more_than_the_plan(town: Town, ada: Person) -> None:
    organisation = ada.founds("Crowd")
    limit(town, questions=3)

    def ask(number: int) -> int:
        person = Person(town, ada.email)
        person.http, person.csrf = TestClient(town.app, cookies=ada.http.cookies), ada.csrf
        return asks(person, organisation, f"{QUESTION} {number}").status_code

    with ThreadPoolExecutor(8) as crowd:
        answered = Counter(crowd.map(ask, range(8)))
    assert answered == {200: 3, 402: 5}
    assert used(town, ada, organisation)[Kind.QUESTIONS] == 3
    assert re.search(r"3 of 3", ada.http.get(f"/o/{organisation}").text)
