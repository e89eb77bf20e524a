"""API keys of an organisation: stored as hashes, limited to scopes, revocable at once."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.accounts.links import digest
from app.errors import InvalidInput, NotFound
from app.organisations.audit import Actor, record
from app.organisations.tables import organisation_keys
from app.scopes import Scope
from app.tenancy.scope import OrganisationScope, new_id, of_organisation

PREFIX = "app_org_"
MOST = 50  # live keys of one organisation


@dataclass(frozen=True)
class OrganisationKey:
    """One key without its secret."""

    id: str
    organisation: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    revoked_at: datetime | None


class OrganisationKeys:
    """Makes, finds, lists and revokes keys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, by: Actor, name: str, scopes: Collection[Scope]) -> tuple[str, OrganisationKey]:
        """A new key's secret, which is never shown again, and its record.

        Raises:
            InvalidInput: no scope, the scope `admin`, which no such key gets, or too many live keys.
        """
        if not scopes or Scope.ADMIN in scopes:
            raise InvalidInput("A key needs scopes, and none may be 'admin'.", "Name what it is for.")
        if sum(key.revoked_at is None for key in self.of(by.scope)) >= MOST:
            raise InvalidInput(f"An organisation has at most {MOST} live keys.", "Revoke one first.")
        secret, names = PREFIX + secrets.token_urlsafe(32), " ".join(sorted(scopes))
        key = OrganisationKey(new_id(), by.scope.organisation, name, frozenset(scopes), datetime.now(UTC), None)
        row = vars(key) | {"scopes": names, "sha256": digest(secret)}
        with of_organisation(self._engine, by.scope.organisation).begin() as connection:
            connection.execute(organisation_keys.insert().values(**row))
            record(connection, by, "key.created", f"{key.id} {names}")
        return secret, key

    def find(self, secret: str) -> OrganisationKey | None:
        """The live key with this secret, or None."""
        found = self._select(organisation_keys.c.sha256 == digest(secret), organisation_keys.c.revoked_at.is_(None))
        return found[0] if found else None

    def of(self, scope: OrganisationScope) -> list[OrganisationKey]:
        """The organisation's keys, the newest first, revoked ones too."""
        return self._select(organisation_keys.c.organisation == scope.organisation)

    def revoke(self, by: Actor, key: str) -> None:
        """Refuse a key from now on.

        Raises:
            NotFound: the organisation has no such live key.
        """
        table = organisation_keys
        live = (table.c.id == key, table.c.organisation == by.scope.organisation, table.c.revoked_at.is_(None))
        with of_organisation(self._engine, by.scope.organisation).begin() as connection:
            change = table.update().where(*live).values(revoked_at=datetime.now(UTC))
            if connection.execute(change).rowcount == 0:
                raise NotFound(f"There is no live key {key!r}.", "GET …/keys lists them.")
            record(connection, by, "key.revoked", key)

    def _select(self, *conditions: sa.ColumnElement[bool]) -> list[OrganisationKey]:
        table = organisation_keys
        columns = (table.c[name] for name in ("id", "organisation", "name", "scopes", "created_at", "revoked_at"))
        query = sa.select(*columns).where(*conditions).order_by(table.c.created_at.desc(), table.c.id)
        with self._engine.connect() as connection:
            return [_key(*row) for row in connection.execute(query)]


def _key(
    id: str, organisation: str, name: str, scopes: str, created: datetime, revoked: datetime | None
) -> OrganisationKey:
    return OrganisationKey(id, organisation, name, frozenset(map(Scope, scopes.split())), created, revoked)
