"""Personal data and secrets never reach a log line; what an operator needs does."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from app.observability.logs import configure_logs
from app.observability.redaction import redacted
from app.settings import LogSettings

log = structlog.get_logger()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from ada.lovelace+x@mail.example.co.uk today", "from [e-mail] today"),
        ("call +49 170 1234567 now", "call [phone] now"),
        ("call +1 (555) 123-4567", "call [phone]"),
        ("call 030 1234567 or 555-123-4567", "call [phone] or [phone]"),
        ("paid with 4111 1111 1111 1111.", "paid with [card]."),
        ("paid with 5500-0000-0000-0004", "paid with [card]"),
        ("to DE89 3704 0044 0532 0130 00 AND ON", "to [iban] AND ON"),
        ("to GB82WEST12345698765432", "to [iban]"),
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: [secret]"),
        ("key app_bTj1h2Zk9QxYv0aBcDeF and sk-proj-abcdefghijkl1234", "key [secret] and [secret]"),
        ("AKIAIOSFODNN7EXAMPLE", "[secret]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def", "[secret]"),
        ("postgresql://app:hunter2@db/app", "postgresql://[secret]@db/app"),
        ("http://127.0.0.1:8000/#key=abcDEF123", "http://127.0.0.1:8000/#key=[secret]"),
    ],
)
def test_personal_data_and_secrets_become_labels(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T10:43:09.123456Z",
        "GET /v1/documents/0af7651916cd43dd8448eb211c80319c 200 in 12.5 ms",
        "127.0.0.1:8000",
        "version 1.2.3, 10,000,000 bytes, 4111 1111 1111 1112 is no card",
        "fault code F17 since firmware 4.10.0-rc1",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Logs as the service writes them to standard error."""
    root = logging.getLogger()
    before = root.handlers, root.level
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    configure_logs(LogSettings(format="json", level="INFO"))
    yield written.getvalue
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_every_value_of_a_line_is_cleaned(lines: Callable[[], str]) -> None:
    log.info("mail from a@b.example", to=["c@d.example"], deep={"card": "4111111111111111"}, count=3)
    line = json.loads(lines())
    assert (line["event"], line["to"], line["deep"]) == ("mail from [e-mail]", ["[e-mail]"], {"card": "[card]"})
    assert line["count"] == 3


def test_exceptions_and_lines_of_libraries_are_cleaned(lines: Callable[[], str]) -> None:
    try:
        raise ValueError("no user a@b.example")
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("cannot reach %s", "postgresql://app:hunter2@db")
    written = lines()
    assert "ValueError: no user [e-mail]" in written
    assert written.count("Traceback") == 2
    assert "hunter2" not in written
    assert "a@b.example" not in written
