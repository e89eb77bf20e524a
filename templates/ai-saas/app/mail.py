"""E-mail: over SMTP, or into a folder where no server is set."""

import contextlib
import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import structlog
from pydantic import StringConstraints

from app.accounts.settings import MailSettings
from app.errors import AppError

log = structlog.get_logger()

SECONDS = 20.0
TLS_PORT = 465
ADDRESS = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$"

# One spelling per mailbox: ASCII alone, so that no two addresses look the same, in lower case.
Address = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=ADDRESS)]


class MailFailed(AppError):
    """The mail server refused an e-mail or cannot be reached."""

    status = 503
    title = "Mail failed"


@dataclass(frozen=True)
class Mail:
    """An e-mail in plain text to one receiver."""

    to: str
    subject: str
    body: str


class Mailer:
    """Sends e-mails one at a time; every one of this service carries a link of its own, so none is sent twice."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def deliver(self, mail: Mail | None) -> None:
        """Send after the answer went out: a failure is logged, for there is nobody to tell. None sends nothing."""
        if mail is None:
            return
        try:
            self.send(mail)
        except MailFailed as error:
            log.error("e-mail failed", subject=mail.subject, error=str(error))

    def send(self, mail: Mail) -> None:
        """Send one e-mail.

        Raises:
            MailFailed: the server refused it or cannot be reached, or the outbox cannot be written.
        """
        message = self._message(mail)
        if not self._settings.host:
            _keep(self._settings.outbox, message)
            return
        try:
            with _server(self._settings) as server:
                server.send_message(message)
        except OSError as error:  # also what smtplib raises
            raise MailFailed(f"The mail server failed: {error}.", "Check the settings APP_MAIL__….") from None

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.sender, mail.to, mail.subject
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = f"<{uuid4().hex}@{self._settings.sender.rpartition('@')[2]}>"
        message.set_content(mail.body, cte="7bit" if mail.body.isascii() else None)  # links stay whole in the outbox
        return message


def _server(settings: MailSettings) -> smtplib.SMTP:
    """A connection that is encrypted, except to this machine itself."""
    trust = ssl.create_default_context()
    if settings.port == TLS_PORT:
        server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=SECONDS, context=trust)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=SECONDS)
        if not _loopback(settings.host):
            server.starttls(context=trust)
    if settings.user:
        server.login(settings.user, settings.password.get_secret_value() if settings.password else "")
    return server


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _keep(outbox: Path, message: EmailMessage) -> None:
    """Write the e-mail whole; the names of the files sort by time.

    Raises:
        MailFailed: the disk refuses.
    """
    path = outbox / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid4().hex[:8]}.eml"
    draft = path.with_suffix(".part")
    try:
        outbox.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(message.as_bytes())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise MailFailed(f"The outbox cannot be written: {error.strerror}.", "Check APP_MAIL__OUTBOX.") from None
