"""E-mail: whole in the outbox, or handed to a server; a failure is told once and breaks nothing."""

import smtplib
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.accounts.letters import Letters
from app.accounts.settings import MailSettings
from app.mail import Mail, Mailer, MailFailed

MAIL = Mail("ada@example.com", "Grüße", "Ein Brief\nmit zwei Zeilen.")


def settings(**values: object) -> MailSettings:
    return MailSettings.model_validate(values)


def test_without_a_server_mail_is_whole_in_the_outbox(tmp_path: Path) -> None:
    mailer = Mailer(settings(outbox=tmp_path / "out", sender="hello@example.com"))
    mailer.send(MAIL)
    mailer.send(Mail("bob@example.com", "Second", "x"))
    files = sorted((tmp_path / "out").iterdir())
    first, second = (message_from_bytes(file.read_bytes(), policy=policy.default) for file in files)
    assert (first["To"], first["From"], first["Subject"]) == ("ada@example.com", "hello@example.com", "Grüße")
    assert "zwei Zeilen" in first.get_content()
    assert first["Message-ID"] != second["Message-ID"]


def test_a_link_can_be_copied_from_the_file_in_the_outbox(tmp_path: Path) -> None:
    link = f"https://app.example.com/verify?token={'x' * 60}"
    Mailer(settings(outbox=tmp_path)).send(Mail("ada@example.com", "Confirm", f"Hello,\n\n{link}\n"))
    (file,) = tmp_path.iterdir()
    assert link in file.read_text()


def test_a_server_that_cannot_be_reached_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(smtplib, "SMTP", refuse)
    with pytest.raises(MailFailed, match="APP_MAIL__"):
        Mailer(settings(host="127.0.0.1", port=25)).send(MAIL)


def test_a_failure_after_the_answer_is_logged_without_the_text(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    with capture_logs() as lines:
        Mailer(settings(outbox=tmp_path / "out")).deliver(MAIL)
        Mailer(settings(outbox=tmp_path / "out")).deliver(None)
    assert [line["event"] for line in lines] == ["e-mail failed"]
    assert "Brief" not in str(lines)


def test_a_header_takes_no_second_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"newline|linefeed"):
        Mailer(settings(outbox=tmp_path)).send(Mail("a@example.com", "x\nBcc: b@example.com", "x"))
    assert list(tmp_path.iterdir()) == []


def test_links_lead_to_the_address_of_the_settings() -> None:
    letters = Letters("Acme", "https://app.example.com")
    assert "https://app.example.com/verify?token=secret" in letters.verify("a@example.com", "secret").body
    assert "https://app.example.com/reset?token=secret" in letters.reset("a@example.com", "secret").body
    invitation = letters.invitation("a@example.com", "Their organisation", "secret")
    assert "https://app.example.com/invitation?token=secret" in invitation.body
    assert "Their organisation" not in invitation.subject
