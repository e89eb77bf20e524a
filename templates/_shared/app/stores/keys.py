"""API keys: stored as hashes, limited to scopes, revocable."""

import hashlib
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.errors import NotFound
from app.scopes import Scope
from app.stores.database import Moment, metadata

PREFIX = "app_"
TRUSTED_SECONDS = 5.0  # a key that another process revokes is refused after at most this time

api_keys = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
)
scopes = sa.Table(
    "api_key_scope",
    metadata,
    sa.Column("key_id", sa.String(16), sa.ForeignKey("api_key.id"), primary_key=True),
    sa.Column("scope", sa.String(20), primary_key=True),
)


@dataclass(frozen=True)
class Caller:
    """Who is calling: a key's id and name, and what it may do."""

    id: str
    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether the key covers `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True)
class KeyRecord:
    """One API key without its secret."""

    caller: Caller
    created_at: datetime
    revoked_at: datetime | None


class KeyStore:
    """Makes, finds and revokes keys. A found key is trusted for `TRUSTED_SECONDS` without asking the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._trusted: dict[str, tuple[float, Caller]] = {}

    def create(self, name: str, allowed: Iterable[Scope] = (Scope.ADMIN,)) -> str:
        """Make a key and return its secret, which is never stored nor shown again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        identifier = secrets.token_hex(4)
        key = {"id": identifier, "name": name, "sha256": hash_key(secret), "created_at": datetime.now(UTC)}
        with self._engine.begin() as connection:
            connection.execute(api_keys.insert().values(**key))
            connection.execute(scopes.insert(), [{"key_id": identifier, "scope": s.value} for s in set(allowed)])
        return secret

    def trusted(self, secret: str) -> Caller | None:
        """The caller with this key if the database named it a moment ago; never waits."""
        until, caller = self._trusted.get(hash_key(secret), (0.0, None))
        return caller if time.monotonic() < until else None

    def find(self, secret: str) -> Caller | None:
        """The caller with this live key, or None."""
        digest = hash_key(secret)
        found = self._select(api_keys.c.sha256 == digest, api_keys.c.revoked_at.is_(None))
        if not found:
            self._trusted.pop(digest, None)
            return None
        self._trusted[digest] = (time.monotonic() + TRUSTED_SECONDS, found[0].caller)
        return found[0].caller

    def records(self) -> Sequence[KeyRecord]:
        """All keys, oldest first, without their secrets."""
        return self._select()

    def revoke(self, identifier: str) -> None:
        """Refuse this key: here from now on, in other processes after at most `TRUSTED_SECONDS`.

        Raises:
            NotFound: no such live key.
        """
        revoked = (
            api_keys.update()
            .where(api_keys.c.id == identifier, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=datetime.now(UTC))
        )
        with self._engine.begin() as connection:
            if connection.execute(revoked).rowcount == 0:
                raise NotFound(f"There is no live key {identifier!r}.", "`app keys list` shows the keys.")
        self._trusted.clear()

    def _select(self, *conditions: sa.ColumnElement[bool]) -> Sequence[KeyRecord]:
        columns = (api_keys.c.id, api_keys.c.name, api_keys.c.created_at, api_keys.c.revoked_at, scopes.c.scope)
        query = sa.select(*columns).outerjoin(scopes).where(*conditions).order_by(api_keys.c.created_at, api_keys.c.id)
        records: dict[str, KeyRecord] = {}
        with self._engine.connect() as connection:
            for identifier, name, created, revoked, scope in connection.execute(query):
                known = records[identifier].caller.scopes if identifier in records else frozenset()
                # A key from before there were scopes has none and may do everything.
                caller = Caller(identifier, name, known | {Scope(scope or Scope.ADMIN)})
                records[identifier] = KeyRecord(caller, created, revoked)
        return list(records.values())


def hash_key(secret: str) -> str:
    """SHA-256 of a key; enough because a key has 256 random bits and cannot be guessed from its hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
