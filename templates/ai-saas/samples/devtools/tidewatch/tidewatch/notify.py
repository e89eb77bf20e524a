"""Messages to ferry operators, sent again with a growing pause when the mail server does not answer."""

import smtplib
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from tidewatch.alarms import Alarm
from tidewatch.settings import Settings

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 4
OUTBOX = Path("outbox")


class Notifier:
    """Sends alarms by mail; without a mail server they become files in the outbox folder."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._sleep = sleep

    def send(self, alarm: Alarm, recipients: list[str]) -> int:
        """Deliver one alarm; return how many attempts it took, 0 for a message in the outbox.

        Raises:
            OSError: the fifth attempt failed as well.
        """
        message = compose(alarm, recipients)
        if not self._settings.mail_host:
            OUTBOX.mkdir(exist_ok=True)
            (OUTBOX / f"{alarm.at:%Y%m%dT%H%M%S}-{alarm.gauge}.eml").write_bytes(bytes(message))
            return 0
        return self._with_retries(message)

    def _with_retries(self, message: EmailMessage) -> int:
        """Exponential back-off: the pause is 4 seconds and doubles after each failure."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with smtplib.SMTP(self._settings.mail_host, timeout=10) as server:
                    server.send_message(message)
                return attempt
            except OSError:
                if attempt == ATTEMPTS:
                    raise
                self._sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        return ATTEMPTS


def compose(alarm: Alarm, recipients: list[str]) -> EmailMessage:
    """The mail for an alarm; its subject begins with the kind, so that operators can filter."""
    message = EmailMessage()
    message["Subject"] = f"{alarm.kind} {alarm.gauge}"
    message["To"] = ", ".join(recipients)
    message.set_content(f"{alarm.at:%d %B %H:%M} UTC: {alarm.text}")
    return message
