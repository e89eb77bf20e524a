"""An e-mail leaves once, whole, and to whom it says; whatever breaks on the way."""

import asyncio
import smtplib
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from app.product_settings import MailSettings
from app.stores.database import open_database
from app.tools.mail import Mailer
from app.tools.ports import ToolResult
from tests.unit.tool_calls import context, use

MAIL = {"to": ["management@brindlemark.example"], "subject": "Sales", "body": "Näheres im Anhang."}


class Line(socketserver.StreamRequestHandler):
    """As much SMTP as one message needs; `fault` says what goes wrong."""

    def handle(self) -> None:
        assert isinstance(self.server, MailServer)
        self.mails = self.server
        self.say("220 ready")
        while line := self.rfile.readline().strip().upper():
            if line.startswith(b"RCPT") and self.mails.fault == "unknown receiver":
                self.say("550 no such user")
            elif line == b"DATA":
                self.say("354 go on")
                self.take_message()
                if self.mails.fault == "silence":
                    return
                self.say("452 mailbox full" if self.mails.fault == "refused" else "250 taken")
            else:
                self.say("221 bye" if line == b"QUIT" else "250 ok")

    def take_message(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        self.mails.taken.append(b"".join(lines))

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps what it is sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Line)
        self.fault = ""
        self.taken: list[bytes] = []


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/app.db")
    yield opened
    opened.dispose()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "report.html").write_text("<h1>Sales</h1>")
    return folder


@pytest.fixture
def outbox(tmp_path: Path, engine: Engine) -> Mailer:
    return Mailer(MailSettings.model_validate({"outbox": tmp_path / "outbox"}), engine)


def over_smtp(server: MailServer, engine: Engine) -> Mailer:
    host, port = server.server_address[:2]
    return Mailer(MailSettings.model_validate({"host": host, "port": port}), engine)


def send(mailer: Mailer, run: Path, call: str = "c1", **changes: Any) -> ToolResult:
    return use(mailer.tool(), run, {**MAIL, **changes}, call)


def letters(tmp_path: Path) -> list[EmailMessage]:
    files = sorted((tmp_path / "outbox").glob("*"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def test_without_a_server_it_is_a_file_that_mail_programs_open(outbox: Mailer, run: Path, tmp_path: Path) -> None:
    result = send(outbox, run, attachments=["report.html"])
    assert result.ok
    (letter,) = letters(tmp_path)
    assert (letter["To"], letter["From"], letter["Subject"]) == (MAIL["to"][0], "agent@localhost", "Sales")
    assert letter.get_body().get_content().strip() == MAIL["body"]  # type: ignore[union-attr]
    (attached,) = letter.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("report.html", "<h1>Sales</h1>")


def test_the_same_call_is_one_e_mail_and_another_call_another(outbox: Mailer, run: Path, tmp_path: Path) -> None:
    send(outbox, run)
    send(outbox, run)
    send(outbox, run, call="c2")
    assert len({letter["Message-ID"] for letter in letters(tmp_path)}) == len(letters(tmp_path)) == 2


def test_several_addresses_may_be_one_text(outbox: Mailer, run: Path, tmp_path: Path) -> None:
    assert send(outbox, run, to="a@x.example, b@y.example").ok
    assert letters(tmp_path)[0]["To"] == "a@x.example, b@y.example"


@pytest.mark.parametrize(
    "changes",
    [
        {"to": []},
        {"to": ["nobody"]},
        {"to": ["a@x.example\r\nBcc: evil@evil.example"]},
        {"to": ["a@x.example>, <evil@evil.example"]},
        {"to": [f"a{n}@x.example" for n in range(21)]},
        {"subject": "Sales\r\nBcc: evil@evil.example"},
        {"subject": ""},
        {"attachments": ["../app.db"]},
        {"attachments": ["missing.html"]},
        {"bcc": ["evil@evil.example"]},
    ],
)
def test_what_is_no_proper_e_mail_is_not_sent(
    outbox: Mailer, run: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert not send(outbox, run, **changes).ok
    assert letters(tmp_path) == []


def test_a_full_disk_leaves_no_half_letter(
    outbox: Mailer, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    result = send(outbox, run)
    assert (result.ok, "No space left" in result.text) == (False, True)
    assert letters(tmp_path) == []


def test_over_smtp_it_is_sent_once_also_when_called_again(server: MailServer, engine: Engine, run: Path) -> None:
    assert [send(over_smtp(server, engine), run, attachments=["report.html"]).ok for _ in range(2)] == [True, True]
    assert len(server.taken) == 1
    assert b"report.html" in server.taken[0]


@pytest.mark.parametrize("fault", ["refused", "unknown receiver"])
def test_a_refused_e_mail_may_be_sent_again(server: MailServer, engine: Engine, run: Path, fault: str) -> None:
    server.fault = fault
    result = send(over_smtp(server, engine), run)
    assert (result.ok, "refused" in result.text) == (False, True)
    server.fault = ""
    assert send(over_smtp(server, engine), run).ok


def test_where_it_is_not_known_it_is_not_sent_again(server: MailServer, engine: Engine, run: Path) -> None:
    server.fault = "silence"
    assert not send(over_smtp(server, engine), run).ok
    server.fault = ""
    again = send(over_smtp(server, engine), run)
    assert (again.ok, "may be on its way" in again.text) == (False, True)
    assert len(server.taken) == 1


def test_a_process_that_dies_after_sending_does_not_send_twice(
    server: MailServer, engine: Engine, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: smtplib.SMTP, message: EmailMessage) -> None:
        original(self, message)
        raise KeyboardInterrupt

    original = smtplib.SMTP.send_message
    monkeypatch.setattr(smtplib.SMTP, "send_message", die)
    with pytest.raises(KeyboardInterrupt):
        send(over_smtp(server, engine), run)
    monkeypatch.undo()
    assert not send(over_smtp(server, engine), run).ok
    assert len(server.taken) == 1


def test_a_server_that_is_down_is_told_and_can_be_tried_again(server: MailServer, engine: Engine, run: Path) -> None:
    down = Mailer(MailSettings.model_validate({"host": "127.0.0.1", "port": 1}), engine)
    assert "cannot be used" in send(down, run).text
    assert send(over_smtp(server, engine), run).ok


def test_another_machine_is_only_spoken_to_encrypted(
    engine: Engine, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []

    class Plain(smtplib.SMTP):
        def __init__(self, host: str, port: int, timeout: float) -> None:
            super().__init__()
            connected.append(host)

        def starttls(self, *_: Any, **__: Any) -> tuple[int, bytes]:
            raise smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server.")

    monkeypatch.setattr(smtplib, "SMTP", Plain)
    result = send(Mailer(MailSettings.model_validate({"host": "mail.example.com"}), engine), run)
    assert connected == ["mail.example.com"]
    assert (result.ok, "STARTTLS" in result.text) == (False, True)


def test_an_outbox_that_is_a_file_is_told_with_the_setting_that_mends_it(
    outbox: Mailer, run: Path, tmp_path: Path
) -> None:
    (tmp_path / "outbox").write_text("not a folder")
    result = send(outbox, run)
    assert (result.ok, "Check APP_MAIL__OUTBOX." in result.text) == (False, True)


def test_two_calls_at_once_send_one_e_mail_each(outbox: Mailer, run: Path, tmp_path: Path) -> None:
    async def both() -> None:
        tool = outbox.tool()
        mail = tool.arguments.model_validate(MAIL)
        await asyncio.gather(*(tool.work(mail, context(run, f"c{n % 2}")) for n in range(6)))

    asyncio.run(both())
    assert len(letters(tmp_path)) == 2
