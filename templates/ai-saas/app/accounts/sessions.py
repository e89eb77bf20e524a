"""Sessions: a random token in the browser's cookie, its hash in the database, so that any of them can be ended."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.accounts.links import digest
from app.accounts.lockout import now
from app.accounts.settings import AccountSettings
from app.accounts.tables import sessions, users
from app.accounts.users import Accounts, User
from app.errors import NotFound
from app.stores.database import Housekeeping
from app.tenancy.scope import new_id

SEEN = timedelta(minutes=1)  # how exactly the last call is known, so that reading pages does not write each time
CLEANING_SECONDS = 3600.0


@dataclass(frozen=True)
class Session:
    """A live session: whose it is, and what its forms have to carry."""

    id: str
    user: User
    csrf: str


@dataclass(frozen=True)
class SessionRecord:
    """What a person is shown of one of their sessions."""

    id: str
    address: str
    browser: str
    created_at: datetime
    seen_at: datetime


class Sessions:
    """Starts, finds and ends sessions."""

    def __init__(
        self, engine: Engine, settings: AccountSettings, accounts: Accounts, clock: Callable[[], datetime] = now
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._accounts = accounts
        self._clock = clock
        self._cleaning = Housekeeping(CLEANING_SECONDS)

    def start(self, user: User, address: str, browser: str) -> str:
        """A new session's token, which is stored nowhere; logging in never goes on with an older one."""
        token, moment = secrets.token_urlsafe(32), self._clock()
        row = {"id": new_id(), "user": user.id, "address": address[:64], "browser": browser[:200]}
        with self._engine.begin() as connection:
            if self._cleaning.due():
                connection.execute(sessions.delete().where(~self._live(moment)))
            connection.execute(sessions.insert().values(sha256=digest(token), created_at=moment, seen_at=moment, **row))
        return token

    def find(self, token: str) -> Session | None:
        """The live session with this token, or None."""
        moment = self._clock()
        columns = (sessions.c.id.label("session"), sessions.c.seen_at, *users.columns)
        query = (
            sa.select(*columns)
            .select_from(sessions.join(users))
            .where(sessions.c.sha256 == digest(token), self._live(moment))
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if moment - row["seen_at"] > SEEN:
            with self._engine.begin() as connection:
                seen = sessions.update().where(sessions.c.id == row["session"]).values(seen_at=moment)
                connection.execute(seen)
        return Session(row["session"], self._accounts.user_of(row), csrf_token(token))

    def of(self, user: User) -> list[SessionRecord]:
        """The person's live sessions, the newest first."""
        names = ("id", "address", "browser", "created_at", "seen_at")
        query = sa.select(*(sessions.c[name] for name in names)).order_by(sessions.c.created_at.desc(), sessions.c.id)
        query = query.where(sessions.c.user == user.id, self._live(self._clock()))
        with self._engine.connect() as connection:
            return [SessionRecord(*row) for row in connection.execute(query)]

    def end(self, user: User, session: str) -> None:
        """End one session of this person.

        Raises:
            NotFound: they have no such session.
        """
        ended = sessions.delete().where(sessions.c.id == session, sessions.c.user == user.id)
        with self._engine.begin() as connection:
            if connection.execute(ended).rowcount == 0:
                raise NotFound(f"There is no session {session!r}.", "GET /v1/sessions lists yours.")

    def _live(self, moment: datetime) -> sa.ColumnElement[bool]:
        return sa.and_(
            sessions.c.seen_at > moment - self._settings.idle, sessions.c.created_at > moment - self._settings.longest
        )


def csrf_token(token: str) -> str:
    """What forms of this session carry. A foreign page can make a browser send the cookie, but cannot read this."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()
