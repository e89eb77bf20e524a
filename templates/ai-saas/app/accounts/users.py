"""People: sign-up, the proof of their address, passwords, and the end of an account."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, RowMapping

from app.accounts import passwords
from app.accounts.letters import Letters
from app.accounts.links import Purpose, issue, redeem, withdraw
from app.accounts.lockout import Lockout
from app.accounts.settings import AccountSettings
from app.accounts.tables import links, sessions, users
from app.errors import Forbidden, NotFound, Unauthorized
from app.mail import Mail
from app.tenancy.scope import new_id

TRIES_PER_ACCOUNT = 5
TRIES_PER_ADDRESS = 30  # an office shares one
MAIL_PAUSE = timedelta(minutes=1)  # between two e-mails of one kind to one mailbox, however often they are asked for


@dataclass(frozen=True)
class User:
    """A person with an account; `operator` is who runs the service."""

    id: str
    email: str
    name: str
    verified: bool
    operator: bool
    created_at: datetime


class Accounts:
    """All people. Calls that strangers may make answer the same for addresses with an account and without."""

    def __init__(
        self, engine: Engine, settings: AccountSettings, letters: Letters, lockout: Lockout, operators: list[str]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._letters = letters
        self._lockout = lockout
        self._operators = frozenset(address.strip().lower() for address in operators)

    def sign_up(self, email: str, password: str, name: str) -> Mail:
        """Make an account that waits for the proof of its address; return the e-mail to send.

        Where an account waits already, the newest sign-up counts: nobody can keep an address that is not theirs.

        Raises:
            InvalidInput: the password is easily guessed.
        """
        passwords.refuse_weak(password, email)
        row = {"email": email, "name": name, "password": passwords.hashed(password), "created_at": datetime.now(UTC)}
        with self._engine.begin() as connection:
            user = connection.execute(_add_or_replace(connection, row)).scalar()
            if user is None:
                return self._letters.known(email)
            return self._verification(connection, user, email)

    def ask_again(self, email: str) -> Mail | None:
        """The e-mail that proves the address of an account that waits for it, or None."""
        with self._engine.begin() as connection:
            row = _by_email(connection, email)
            if row is None or row["verified_at"] or _asked_just_now(connection, Purpose.VERIFY, row["id"]):
                return None
            return self._verification(connection, row["id"], email)

    def verify(self, link: str) -> User:
        """Use up the link that proves an address.

        Raises:
            NotFound: the link is unknown, used up or too old.
        """
        with self._engine.begin() as connection:
            user = redeem(connection, Purpose.VERIFY, link)
            connection.execute(users.update().where(users.c.id == user).values(verified_at=datetime.now(UTC)))
            return self.user_of(_row(connection, user))

    def log_in(self, email: str, password: str, address: str) -> User:
        """The person with this address and password.

        Raises:
            TooManyRequests: too many attempts for this account or from this network address.
            Unauthorized: the pair is wrong; which part is not told.
            Forbidden: the pair is right, but the address is not proved.
        """
        self._lockout.take("address", address, TRIES_PER_ADDRESS)
        self._lockout.take("account", email, TRIES_PER_ACCOUNT)
        with self._engine.connect() as connection:
            row = _by_email(connection, email)
        if not passwords.matches(password, row["password"] if row else None) or row is None:
            raise Unauthorized("This address and password do not belong together.", "POST /v1/password/forgotten.")
        self._lockout.forgive("account", email)
        self._lockout.forgive("address", address)
        if row["verified_at"] is None:
            raise Forbidden("This address is not confirmed yet.", "Open the link in the e-mail, or ask for another.")
        return self.user_of(row)

    def knows(self, email: str) -> bool:
        """Whether somebody proved to have this address. Tell it only to who has proved it."""
        with self._engine.connect() as connection:
            row = _by_email(connection, email)
        return row is not None and row["verified_at"] is not None

    def admit(self, email: str, name: str) -> User:
        """The person with an address that a provider vouches for; a new account where there is none.

        A password that somebody chose for the address before it was proved is worth nothing.
        """
        row = {"email": email, "name": name, "created_at": datetime.now(UTC)}
        row["password"] = passwords.hashed(secrets.token_urlsafe(32))  # that nobody knows; a reset sets another
        with self._engine.begin() as connection:
            unproved = connection.execute(_add_or_replace(connection, row)).scalar()
            if unproved is not None:
                proved = users.update().where(users.c.id == unproved).values(verified_at=datetime.now(UTC))
                connection.execute(proved)
                withdraw(connection, Purpose.VERIFY, unproved)
            found = connection.execute(users.select().where(users.c.email == email)).mappings().one()
        return self.user_of(found)

    def forgotten(self, email: str) -> Mail | None:
        """The e-mail whose link sets a new password, or None where there is no such account."""
        with self._engine.begin() as connection:
            row = _by_email(connection, email)
            if row is None or _asked_just_now(connection, Purpose.RESET, row["id"]):
                return None
            lifetime = timedelta(minutes=self._settings.reset_minutes)
            return self._letters.reset(email, issue(connection, Purpose.RESET, row["id"], lifetime))

    def reset(self, link: str, password: str) -> Mail:
        """Use up a link and set a password; it proves the address too, and ends every session and other link.

        Raises:
            NotFound: the link is unknown, used up or too old.
            InvalidInput: the password is easily guessed; the link stays good.
        """
        with self._engine.begin() as connection:
            user = redeem(connection, Purpose.RESET, link)
            row = _row(connection, user)
            self._set_password(connection, row, password)
            verified = row["verified_at"] or datetime.now(UTC)
            connection.execute(users.update().where(users.c.id == user).values(verified_at=verified))
            withdraw(connection, Purpose.VERIFY, user)
            connection.execute(sessions.delete().where(sessions.c.user == user))
        self._lockout.forgive("account", row["email"])
        return self._letters.changed(row["email"])

    def change_password(self, user: User, old: str, new: str, session: str) -> Mail:
        """Set another password; every session of the person ends but `session`.

        Raises:
            Unauthorized: the old password is wrong.
            TooManyRequests: it was wrong too often.
            InvalidInput: the new one is easily guessed.
        """
        self.confirm(user, old)
        with self._engine.begin() as connection:
            self._set_password(connection, _row(connection, user.id), new)
            withdraw(connection, Purpose.RESET, user.id)
            connection.execute(sessions.delete().where(sessions.c.user == user.id, sessions.c.id != session))
        return self._letters.changed(user.email)

    def confirm(self, user: User, password: str) -> None:
        """Let a logged-in person go on who knows the password: before what cannot be undone.

        Raises:
            Unauthorized: the password is wrong.
            TooManyRequests: it was wrong too often.
        """
        self._lockout.take("account", user.email, TRIES_PER_ACCOUNT)
        with self._engine.connect() as connection:
            row = _row(connection, user.id)
        if not passwords.matches(password, row["password"]):
            raise Unauthorized("The password is wrong.", "Try again.")
        self._lockout.forgive("account", user.email)

    def rename(self, user: User, name: str) -> User:
        """Let the person be called `name`."""
        with self._engine.begin() as connection:
            connection.execute(users.update().where(users.c.id == user.id).values(name=name))
            return self.user_of(_row(connection, user.id))

    def delete(self, connection: Connection, user: str) -> None:
        """Remove the person with sessions and links; memberships go before, by `Organisations.leave_all`."""
        for table in (sessions, links):
            connection.execute(table.delete().where(table.c.user == user))
        connection.execute(users.delete().where(users.c.id == user))

    def user_of(self, row: RowMapping) -> User:
        """The person of a row of the table."""
        email: str = row["email"]
        verified = row["verified_at"] is not None
        operator = verified and email in self._operators
        return User(row["id"], email, row["name"], verified, operator, row["created_at"])

    def _verification(self, connection: Connection, user: str, email: str) -> Mail:
        lifetime = timedelta(hours=self._settings.verify_hours)
        return self._letters.verify(email, issue(connection, Purpose.VERIFY, user, lifetime))

    def _set_password(self, connection: Connection, row: RowMapping, password: str) -> None:
        passwords.refuse_weak(password, row["email"])
        change = users.update().where(users.c.id == row["id"])
        connection.execute(change.values(password=passwords.hashed(password)))


def _add_or_replace(connection: Connection, row: Mapping[str, Any]) -> sa.Executable:
    """Insert a person, or replace one whose address is not proved; returns no id where it is."""
    insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(users)
    replaced = {name: insert.excluded[name] for name in ("name", "password", "created_at")}
    statement = insert.values(id=new_id(), **row).on_conflict_do_update(
        index_elements=["email"], set_=replaced, where=users.c.verified_at.is_(None)
    )
    return statement.returning(users.c.id)


def _by_email(connection: Connection, email: str) -> RowMapping | None:
    return connection.execute(users.select().where(users.c.email == email)).mappings().first()


def _row(connection: Connection, user: str) -> RowMapping:
    row = connection.execute(users.select().where(users.c.id == user)).mappings().first()
    if row is None:
        raise NotFound("This account is gone.", "Sign up again.")
    return row


def _asked_just_now(connection: Connection, purpose: Purpose, user: str) -> bool:
    since = datetime.now(UTC) - MAIL_PAUSE
    recent = sa.select(links.c.sha256).where(
        links.c.user == user, links.c.purpose == purpose.value, links.c.created_at > since
    )
    return connection.execute(recent).first() is not None
