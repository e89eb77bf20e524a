"""The audit log: who did what to what, when and from where. Entries are added and read; nothing here changes one."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.accounts.tables import users
from app.organisations.tables import audit_entries
from app.tenancy.scope import OrganisationScope, of_organisation

PERSON = "user:"  # how the actor of an entry begins when it is a person


@dataclass(frozen=True)
class Actor:
    """Who does something: for which organisation, as whom (`user:ID` or `key:ID`), and from which network address."""

    scope: OrganisationScope
    caller: str
    address: str


@dataclass(frozen=True)
class AuditEntry:
    """One thing that was done; `email` is the actor's, empty for keys and for people who are gone."""

    id: int
    at: datetime
    actor: str
    email: str
    action: str
    target: str
    address: str


def record(connection: Connection, by: Actor, action: str, target: str) -> None:
    """Add an entry in the transaction that does the thing, so that there is no deed without its entry."""
    row = {"organisation": by.scope.organisation, "at": datetime.now(UTC), "actor": by.caller, "action": action}
    connection.execute(audit_entries.insert().values(**row, target=target[:500], address=by.address[:64]))


class Audit:
    """Adds entries for rooms whose deeds are no transaction of this database, and reads them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, by: Actor, action: str, target: str) -> None:
        """Add an entry."""
        with of_organisation(self._engine, by.scope.organisation).begin() as connection:
            record(connection, by, action, target)

    def entries(self, scope: OrganisationScope, before: int | None = None, limit: int = 100) -> list[AuditEntry]:
        """The organisation's entries, the newest first: those with ids below `before`, or the newest of all."""
        table = audit_entries
        email = sa.func.coalesce(users.c.email, "")
        columns = (table.c.id, table.c.at, table.c.actor, email, table.c.action, table.c.target, table.c.address)
        person = audit_entries.c.actor == sa.literal(PERSON) + users.c.id
        query = (
            sa.select(*columns)
            .select_from(audit_entries.outerjoin(users, person))
            .where(audit_entries.c.organisation == scope.organisation)
            .order_by(audit_entries.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(audit_entries.c.id < before)
        with of_organisation(self._engine, scope.organisation).connect() as connection:
            return [AuditEntry(*row) for row in connection.execute(query)]
