"""Tickets are selected and counted right, and shown as words from outside."""

import json
from pathlib import Path

import pytest

from app.tools.registry import SAMPLES
from app.tools.tickets import TicketList
from tests.unit.tool_calls import use

TICKET = {"id": "T-1", "opened": "2026-09-01", "status": "open", "customer": "A", "subject": "S", "text": "Words."}


def listing(tmp_path: Path, *tickets: dict[str, str], **selection: object) -> str:
    file = tmp_path / "tickets.jsonl"
    file.write_text("\n".join(json.dumps({**TICKET, **ticket}) for ticket in tickets))
    return use(TicketList(file).tool(), tmp_path, selection).text


def test_newest_first_with_counts(tmp_path: Path) -> None:
    text = listing(tmp_path, {}, {"id": "T-2", "opened": "2026-09-05"}, {"id": "T-3", "status": "closed"})
    assert text.startswith("<untrusted>3 tickets: 1 closed, 2 open.\nT-2 2026-09-05 open, A: S. Words.\n")
    assert text.endswith("</untrusted>")


@pytest.mark.parametrize(
    ("selection", "first"),
    [
        ({"status": "closed"}, "1 closed ticket."),
        ({"since": "2026-09-02"}, "1 ticket: 1 open."),
        ({"status": "pending"}, "0 pending tickets."),
        ({"order": "oldest", "most": 1}, "2 tickets: 1 closed, 1 open; the 1 oldest.\nT-1 2026-09-01 closed"),
        ({"most": 0}, "The arguments do not fit list_tickets."),
        ({"status": "lost"}, "The arguments do not fit list_tickets."),
        ({"since": "yesterday"}, "The arguments do not fit list_tickets."),
    ],
)
def test_only_what_was_asked_for(tmp_path: Path, selection: dict[str, object], first: str) -> None:
    text = listing(tmp_path, {"status": "closed"}, {"opened": "2026-09-05"}, **selection)
    assert text.removeprefix("<untrusted>").startswith(first)


@pytest.mark.parametrize("text", ["{", '{"id": 1}', "\xff"])
def test_a_spoilt_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "tickets.jsonl").write_text(text, encoding="latin-1")
    result = use(TicketList(tmp_path / "tickets.jsonl").tool(), tmp_path)
    assert not result.ok
    assert "cannot be read" in result.text


def test_the_samples_can_be_read(tmp_path: Path) -> None:
    assert use(TicketList(SAMPLES / "tickets.jsonl").tool(), tmp_path).ok
