"""Links that prove who reads a mailbox: random, stored as hashes, good once and for a while."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy.engine import Connection

from app.accounts.tables import links
from app.errors import NotFound


class Purpose(StrEnum):
    """What a link is for; one for another thing does not open this one."""

    VERIFY = "verify"
    RESET = "reset"


def digest(secret: str) -> str:
    """What is stored of a secret that has 256 random bits, which no one guesses from its hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue(connection: Connection, purpose: Purpose, user: str, lifetime: timedelta) -> str:
    """The secret of a new link; earlier ones for the same thing end."""
    secret = secrets.token_urlsafe(32)
    moment = datetime.now(UTC)
    row = {"sha256": digest(secret), "purpose": purpose.value, "user": user, "created_at": moment}
    withdraw(connection, purpose, user)
    connection.execute(links.insert().values(**row, expires_at=moment + lifetime))
    return secret


def withdraw(connection: Connection, purpose: Purpose, user: str) -> None:
    """End the user's links for one thing."""
    connection.execute(links.delete().where(links.c.user == user, links.c.purpose == purpose.value))


def redeem(connection: Connection, purpose: Purpose, secret: str) -> str:
    """Use up a link and tell whose it was; of two that use it at once, one succeeds.

    Raises:
        NotFound: unknown, used, expired or for another thing; which of them is not told.
    """
    used = links.delete().where(
        links.c.sha256 == digest(secret), links.c.purpose == purpose.value, links.c.expires_at > datetime.now(UTC)
    )
    user: str | None = connection.execute(used.returning(links.c.user)).scalar()
    if user is None:
        raise NotFound("This link is unknown, used up or too old.", "Ask for a new one.")
    return user
