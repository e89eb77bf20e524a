"""An organisation's documents, questions, history, links and exports over HTTP, and that others see none of it."""

import asyncio
import io
import json
import time
import zipfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.answering import chat
from app.answering.assistant import Reply
from app.answering.chat import Answering, Question
from app.billing.plans import Kind
from app.errors import ModelUnavailable
from app.settings import Settings
from app.workspace.flavour import chosen
from tests.integration.office import LEAVE, QUESTION, asks, at, limit, read_all, uploads, used
from tests.integration.town import Person, Town, open_town

CONVERSATION = "conversation-1"


@pytest.fixture
def town(settings: Settings, tmp_path: Path) -> Iterator[Town]:
    with open_town(settings, tmp_path) as opened:
        yield opened


@pytest.fixture
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture
def acme(ada: Person) -> str:
    return ada.founds("Acme")


@pytest.fixture
def reader(town: Town, ada: Person, acme: str) -> Person:
    """Ada, whose organisation has one document that was read."""
    assert uploads(ada, acme).status_code == 202
    read_all(town, acme)
    return ada


def test_a_document_is_taken_read_and_answered_from_with_a_citation(town: Town, ada: Person, acme: str) -> None:
    response = uploads(ada, acme)
    assert response.status_code == 202
    assert response.headers["location"] == response.json()["status_url"]
    assert response.json()["status"] == "queued"
    read_all(town, acme)
    assert ada.gets(response.json()["status_url"])["status"] == "ready"
    answer = asks(ada, acme).json()
    assert "five unused days" in answer["answer"]
    assert [(c["document"], c["locator"]) for c in answer["citations"]] == [("leave.md", "Leave")]


def test_the_service_reads_documents_by_itself(town: Town, ada: Person, acme: str) -> None:
    with TestClient(town.app):
        state = uploads(ada, acme).json()["status_url"]
        for _ in range(200):
            told = ada.gets(state)
            if told["status"] in ("ready", "failed"):
                break
            asyncio.run(asyncio.sleep(0.05))
    assert told["status"] == "ready"


def test_a_stream_ends_with_the_citations(reader: Person, acme: str) -> None:
    response = asks(reader, acme, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [
        dict(line.split(": ", 1) for line in event.splitlines()) for event in response.text.split("\n\n") if event
    ]
    assert [event["event"] for event in events] == ["delta", "answer"]
    answer = json.loads(events[-1]["data"])
    assert answer["citations"]
    assert answer["notice"] == chosen().notice


def test_history_shows_what_was_cited(reader: Person, acme: str) -> None:
    answer = asks(reader, acme, conversation_id=CONVERSATION).json()
    assert answer["notice"] == chosen().notice
    asks(reader, acme, "Which painter decorated the ceiling of the Paris opera?", conversation_id=CONVERSATION)
    (entry,) = reader.gets(at(acme, "conversations"))
    assert (entry["id"], entry["title"], entry["questions"]) == (CONVERSATION, QUESTION, 2)
    first, second = reader.gets(at(acme, f"conversations/{CONVERSATION}"))["turns"]
    assert first["citations"] == answer["citations"]
    assert second["citations"] == []
    exported = reader.http.get(at(acme, f"conversations/{CONVERSATION}/markdown")).text
    assert exported.startswith(f"# {QUESTION}\n")
    assert "1. leave.md, Leave: “Up to five unused days of leave move into the next year.”" in exported


def test_a_conversation_is_its_owners_alone_and_can_be_forgotten(town: Town, reader: Person, acme: str) -> None:
    asks(reader, acme, conversation_id=CONVERSATION)
    member = town.joined(reader, acme, "member")
    path = at(acme, f"conversations/{CONVERSATION}")
    assert member.does("GET", path).status_code == 404
    assert member.does("POST", f"{path}/shares").status_code == 404
    assert member.does("DELETE", path).status_code == 404
    assert member.gets(at(acme, "conversations")) == []
    assert reader.does("DELETE", path).status_code == 204
    assert reader.does("GET", path).status_code == 404


def test_a_link_shows_one_conversation_until_it_is_taken_back(town: Town, reader: Person, acme: str) -> None:
    asks(reader, acme, conversation_id=CONVERSATION)
    link = reader.does("POST", at(acme, f"conversations/{CONVERSATION}/shares")).json()
    stranger = TestClient(town.app)
    shown = stranger.get(f"/v1/shared/{link['token']}")
    assert shown.json()["turns"][0]["question"] == QUESTION
    assert shown.headers["cache-control"] == "no-store"
    member = town.joined(reader, acme, "member")
    assert member.gets(at(acme, "shares")) == []
    assert member.does("DELETE", at(acme, f"shares/{link['id']}")).status_code == 404
    (listed,) = reader.gets(at(acme, "shares"))
    assert (listed["id"], listed["token"], listed["url"]) == (link["id"], "", "")
    assert reader.does("DELETE", at(acme, f"shares/{link['id']}")).status_code == 204
    assert stranger.get(f"/v1/shared/{link['token']}").status_code == 404


def test_a_link_does_not_outlive_its_conversation(town: Town, reader: Person, acme: str) -> None:
    asks(reader, acme, conversation_id=CONVERSATION)
    link = reader.does("POST", at(acme, f"conversations/{CONVERSATION}/shares")).json()
    reader.does("DELETE", at(acme, f"conversations/{CONVERSATION}"))
    asks(reader, acme, conversation_id=CONVERSATION)
    assert TestClient(town.app).get(f"/v1/shared/{link['token']}").status_code == 404


def test_an_invented_token_shows_nothing(town: Town, reader: Person) -> None:
    assert TestClient(town.app).get("/v1/shared/..%2f..%2fetc").status_code == 404


def test_the_export_holds_everything(reader: Person, acme: str) -> None:
    asks(reader, acme, conversation_id=CONVERSATION)
    response = reader.http.get(at(acme, "export"))
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert "five unused days" in archive.read("documents/leave.md.txt").decode()
        assert json.loads(archive.read("conversation_turn.jsonl"))["question"] == QUESTION
        assert json.loads(archive.read("documents.json"))[0]["name"] == "leave.md"


def test_only_an_admin_exports(town: Town, reader: Person, acme: str) -> None:
    assert town.joined(reader, acme, "member").does("GET", at(acme, "export")).status_code == 403


def test_another_organisation_does_not_exist(town: Town, reader: Person, acme: str) -> None:
    asks(reader, acme, conversation_id=CONVERSATION)
    eve = town.person("eve")
    eve.founds("Evil")
    calls: list[tuple[str, str, object]] = [
        ("GET", "documents", None),
        ("POST", "documents", {"name": "a.md", "text": "# A"}),
        ("POST", "ask", {"question": QUESTION}),
        ("GET", "conversations", None),
        ("GET", f"conversations/{CONVERSATION}", None),
        ("POST", f"conversations/{CONVERSATION}/shares", None),
        ("GET", "shares", None),
        ("GET", "export", None),
        ("POST", "feedback", {"trace_id": "0" * 32, "rating": 1}),
    ]
    for method, path, body in calls:
        assert eve.does(method, at(acme, path), body).status_code == 404, path


def test_the_same_names_in_two_organisations_are_two_things(town: Town, reader: Person, acme: str) -> None:
    asks(reader, acme, conversation_id=CONVERSATION)
    bob = town.person("bob")
    other = bob.founds("Other")
    assert uploads(bob, other, text=LEAVE.replace("five", "eleven")).status_code == 202
    read_all(town, other)
    assert "eleven unused days" in asks(bob, other, conversation_id=CONVERSATION).json()["answer"]
    assert "five unused days" in asks(reader, acme).json()["answer"]
    assert len(bob.gets(at(other, f"conversations/{CONVERSATION}"))["turns"]) == 1


def test_a_question_beyond_the_plan_answers_402_and_says_what_helps(town: Town, reader: Person, acme: str) -> None:
    limit(town, questions=1)
    assert asks(reader, acme).status_code == 200
    refused = asks(reader, acme)
    assert refused.status_code == 402
    assert "Team" in refused.json()["detail"]


def test_documents_beyond_the_plan_are_refused_all_or_none(town: Town, ada: Person, acme: str) -> None:
    limit(town, documents=1, storage_bytes=1000)
    files = [("file", (name, f"# {name}\n\nSomething to read.", "text/markdown")) for name in ("a.md", "b.md")]
    headers = {"X-CSRF-Token": ada.csrf}
    assert ada.http.post(at(acme, "documents/batch"), files=files, headers=headers).status_code == 402
    assert ada.gets(at(acme, "documents")) == []
    taken = used(town, ada, acme)
    assert (taken[Kind.DOCUMENTS], taken[Kind.STORAGE_BYTES]) == (0, 0)


def test_a_changed_document_is_counted_once_by_its_new_size(town: Town, ada: Person, acme: str) -> None:
    uploads(ada, acme)
    uploads(ada, acme)
    longer = LEAVE + "Leave is asked for in time.\n"
    uploads(ada, acme, text=longer)
    taken = used(town, ada, acme)
    assert (taken[Kind.DOCUMENTS], taken[Kind.STORAGE_BYTES]) == (1, len(longer))


def test_a_document_that_grows_beyond_the_plan_stays_as_it_was(town: Town, reader: Person, acme: str) -> None:
    limit(town, documents=5, storage_bytes=len(LEAVE) + 10)
    assert uploads(reader, acme, text=LEAVE + "x" * 500).status_code == 402
    assert used(town, reader, acme)[Kind.DOCUMENTS] == 1
    assert "five unused days" in asks(reader, acme).json()["answer"]


def test_deleting_a_document_makes_room_and_its_text_is_gone(town: Town, reader: Person, acme: str) -> None:
    (state,) = reader.gets(at(acme, "documents"))
    assert reader.does("DELETE", state["status_url"]).status_code == 204
    taken = used(town, reader, acme)
    assert (taken[Kind.DOCUMENTS], taken[Kind.STORAGE_BYTES]) == (0, 0)
    assert asks(reader, acme).json()["refused"]


def test_a_question_that_no_model_answers_is_given_back(
    town: Town, reader: Person, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: Answering, asked: Question, caller: str) -> AsyncGenerator[Any]:
        raise ModelUnavailable("Nobody is there.")
        yield  # an async generator, like the one it stands for

    monkeypatch.setattr(Answering, "parts", fail)
    before = used(town, reader, acme)[Kind.QUESTIONS]
    assert asks(reader, acme).status_code == 503
    assert used(town, reader, acme)[Kind.QUESTIONS] == before
    assert asks(reader, acme, stream=True).status_code == 503
    assert used(town, reader, acme)[Kind.QUESTIONS] == before


def test_an_answer_is_scored_before_the_service_stops(
    town: Town, reader: Person, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score_slowly(_: Reply) -> dict[str, float]:
        time.sleep(0.3)
        return {"slow": 1.0}

    monkeypatch.setattr(chat, "score_reply", score_slowly)
    with TestClient(town.app, cookies=reader.http.cookies) as reader.http:
        assert asks(reader, acme).status_code == 200
    assert town.app.state.tenants.open(acme).answers.metrics() == ["slow"]


def test_a_role_may_do_what_it_may(town: Town, reader: Person, acme: str) -> None:
    document, question = {"name": "b.md", "text": "# B\n\nSomething else."}, {"question": QUESTION}
    viewer, member = town.joined(reader, acme, "viewer"), town.joined(reader, acme, "member")
    assert viewer.does("POST", at(acme, "documents"), document).status_code == 403
    assert viewer.does("GET", at(acme, "documents")).status_code == 200
    assert viewer.does("POST", at(acme, "ask"), question).status_code == 200
    assert member.does("POST", at(acme, "documents"), document).status_code == 202


def test_a_key_does_what_its_scopes_say(town: Town, reader: Person, acme: str) -> None:
    for scope, status in (("ask", 200), ("documents", 403)):
        secret = reader.makes_key(acme, scope)
        program = TestClient(town.app, headers={"Authorization": f"Bearer {secret}"})
        assert program.post(at(acme, "ask"), json={"question": QUESTION}).status_code == status


def test_a_hostile_name_is_refused(ada: Person, acme: str) -> None:
    for name in ("../a.md", "/etc/passwd", "a\x00.md", "C:\\a.md", "x" * 400 + ".md", ""):
        assert uploads(ada, acme, name=name).status_code == 422, name


def test_a_judgement_stays_in_the_organisation(town: Town, reader: Person, acme: str) -> None:
    trace = asks(reader, acme).json()["trace_id"]
    given = reader.does("POST", at(acme, "feedback"), {"trace_id": trace, "rating": -1, "comment": "call me@home.org"})
    assert given.status_code == 204
    (judged,) = reader.gets(at(acme, "feedback"))
    assert (judged["trace_id"], judged["rating"]) == (trace, -1)
    assert "home.org" not in judged["comment"]
    bob = town.person("bob")
    assert bob.gets(at(bob.founds("Other"), "feedback")) == []
