"""`send_email`: over SMTP, or into a folder where no server is set. One call is one e-mail, whatever crashes."""

import contextlib
import hashlib
import mimetypes
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import sqlalchemy as sa
from anyio import to_thread
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from app.product_settings import MailSettings
from app.stores.database import Moment, metadata
from app.tools.folder import read
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed

SECONDS = 20.0
ADDRESS = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$"
TLS_PORT = 465

Address = Annotated[str, StringConstraints(pattern=ADDRESS)]

mails = sa.Table(
    "sent_mail",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("sent", sa.Boolean, nullable=False),  # False: handed to the server, no answer yet
    sa.Column("created_at", Moment, nullable=False),
)


def _addresses(value: object) -> object:
    """Models like to write several addresses as one text."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class Mail(BaseModel, extra="forbid"):
    """An e-mail."""

    to: Annotated[list[Address], BeforeValidator(_addresses)] = Field(
        description="addresses", min_length=1, max_length=20
    )
    subject: Annotated[str, StringConstraints(pattern=r"^[^\r\n]+$")] = Field(max_length=200)
    body: str = Field(description="plain text", max_length=50_000)
    attachments: list[str] = Field([], description="files of this run", max_length=10)


class Mailer:
    """Sends one e-mail per call; `engine` remembers what was handed to a server."""

    def __init__(self, settings: MailSettings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine

    def tool(self) -> Tool:
        """The tool."""
        return Tool(
            "send_email",
            "Send an e-mail with files of this run attached. It cannot be taken back.",
            Permission.ACT,
            Mail,
            self.send,
            seconds=2 * SECONDS,
        )

    async def send(self, mail: Mail, context: ToolContext) -> Outcome:
        """Send it, or find that this very call sent it before."""
        return await to_thread.run_sync(self._send, mail, context)

    def _send(self, mail: Mail, context: ToolContext) -> Outcome:
        identity = hashlib.sha256(f"{context.run}/{context.call}".encode()).hexdigest()[:32]
        message = self._message(mail, context, identity)
        receivers = ", ".join(mail.to)
        if self._settings.host:
            self._hand_over(message, identity)
            return Outcome(f"E-mail sent to {receivers}: {mail.subject}")
        path = self._settings.outbox / f"{identity}.eml"
        _keep(path, message.as_bytes())
        return Outcome(f"E-mail to {receivers} written into the outbox as {path.name}: {mail.subject}")

    def _message(self, mail: Mail, context: ToolContext, identity: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.sender, ", ".join(mail.to), mail.subject
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = f"<{identity}@{self._settings.sender.rpartition('@')[2]}>"
        message.set_content(mail.body)
        for name in mail.attachments:
            main, _, sub = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
            message.add_attachment(read(context, name).encode(), maintype=main, subtype=sub, filename=name)
        return message

    def _hand_over(self, message: EmailMessage, identity: str) -> None:
        """Give the message to the server once.

        Raises:
            ToolFailed: the server refused it, or it is not known whether an earlier attempt got through.
        """
        if self._known(identity):
            return
        try:
            server = _server(self._settings)
        except OSError as error:  # also what smtplib raises
            self._forget(identity)  # nothing left this machine, so a new attempt does no harm
            raise ToolFailed(f"The mail server cannot be used: {error}.", "Check the settings APP_MAIL__….") from None
        with server:
            try:
                server.send_message(message)
            except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
                self._forget(identity)  # it said no
                raise ToolFailed(f"The mail server refused: {error}.", "Check the addresses.") from None
            with self._engine.begin() as connection:
                connection.execute(mails.update().where(mails.c.id == identity).values(sent=True))

    def _known(self, identity: str) -> bool:
        """Whether this call sent its e-mail before; otherwise it is noted that it is about to."""
        try:
            with self._engine.begin() as connection:
                connection.execute(mails.insert().values(id=identity, sent=False, created_at=datetime.now(UTC)))
        except IntegrityError:
            with self._engine.connect() as connection:
                sent = connection.execute(sa.select(mails.c.sent).where(mails.c.id == identity)).scalar()
            if not sent:
                raise ToolFailed(
                    f"An earlier attempt ended before the mail server answered, so {identity} may be on its way.",
                    "It is not sent again; ask the receivers, or look for this Message-ID at the server.",
                ) from None
            return True
        return False

    def _forget(self, identity: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(mails.delete().where(mails.c.id == identity))


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


def _keep(path: Path, data: bytes) -> None:
    """Write the e-mail whole; the file of a repeated call takes the place of the first.

    Raises:
        ToolFailed: the disk refuses.
    """
    draft = path.with_name(f".{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise ToolFailed(f"The outbox cannot be written: {error.strerror}.", "Check APP_MAIL__OUTBOX.") from None
