"""Feature flags: a default in code, switched by operators for everybody or for one organisation.

Every process sees a change within `SECONDS`; the one that made it sees it at once. What is said of one organisation
counts more than what is said of all.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import sqlalchemy as sa
import structlog
from anyio import to_thread
from fastapi import Request
from sqlalchemy.engine import Engine

from app.accounts.tables import users
from app.errors import AppError, InvalidInput
from app.operations.tables import flag_changes
from app.organisations.access import AccessDep
from app.organisations.audit import PERSON, Actor, record
from app.organisations.tables import organisations
from app.tenancy.scope import of_organisation

SECONDS = 2.0  # how old the state may be that a process works with
EVERYBODY = ""

log = structlog.get_logger()


@dataclass(frozen=True)
class Flag:
    """A feature that can be switched; `text` says what people can do while it is on."""

    name: str
    title: str
    text: str
    default: bool = True
    per_organisation: bool = True


SIGN_UP = Flag("sign-up", "Sign-up", "Strangers can make an account.", per_organisation=False)
SHARING = Flag("sharing", "Sharing links", "A link shows a conversation to people without an account.")
TOOLS = Flag("tools", "Tools", "The product's own pages and calls, beside documents and questions.")
FLAGS = (SIGN_UP, SHARING, TOOLS)


class FeatureOff(AppError):
    """The operator switched this feature off."""

    status: ClassVar[int] = 403
    title: ClassVar[str] = "Switched off"


@dataclass(frozen=True)
class FlagChange:
    """One switch: `enabled` is None where it went back to what counts otherwise.

    `organisation` is a name, '' where it was for all; `email` is '' for people who left.
    """

    at: datetime
    flag: str
    organisation: str
    enabled: bool | None
    email: str


class Flags:
    """The state of every flag, as old as `SECONDS` at most."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: Mapping[tuple[str, str], bool] = {}
        self._read_at = float("-inf")

    def on(self, flag: Flag, organisation: str = EVERYBODY) -> bool:
        """Whether a feature is on for an organisation; may read the database, so call it in a thread."""
        if self.stale:
            self.read()
        return self._state(flag, organisation)

    async def require(self, flag: Flag, organisation: str = EVERYBODY) -> None:
        """Go on where the feature is on.

        Raises:
            FeatureOff: it is not.
        """
        if self.stale:
            await to_thread.run_sync(self.read)
        if not self._state(flag, organisation):
            raise FeatureOff(f"{flag.title}: switched off at the moment.", "Ask who runs this service.")

    @property
    def stale(self) -> bool:
        """Whether the state has to be read again."""
        return time.monotonic() - self._read_at > SECONDS

    def read(self) -> None:
        """Read what is switched now."""
        began, table = time.monotonic(), flag_changes
        newest = sa.select(sa.func.max(table.c.id)).group_by(table.c.flag, table.c.organisation)
        query = sa.select(table.c.flag, table.c.organisation, table.c.enabled)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(table.c.id.in_(newest), table.c.enabled.is_not(None))).all()
        self._known = {(row.flag, row.organisation or EVERYBODY): row.enabled for row in rows}
        self._read_at = began

    def said(self, flag: Flag, organisation: str = EVERYBODY) -> bool | None:
        """What was said of exactly this organisation (or of all), None for nothing; read before."""
        return self._known.get((flag.name, organisation))

    def exceptions(self, flag: Flag) -> dict[str, bool]:
        """The organisations for which something else was said than for all, or the same for good; read before."""
        return {whose: on for (name, whose), on in self._known.items() if name == flag.name and whose != EVERYBODY}

    def switch(self, flag: Flag, enabled: bool | None, by: Actor) -> None:
        """Say it for the organisation of `by`, or for everybody where that is ''; None takes back what was said.

        The organisation finds it in its own audit log.

        Raises:
            InvalidInput: this feature is not one organisation's.
        """
        organisation = by.scope.organisation
        if organisation and not flag.per_organisation:
            raise InvalidInput(f"{flag.title} is switched for everybody or for nobody.", "Leave the organisation out.")
        row = {"at": datetime.now(UTC), "flag": flag.name, "organisation": organisation or None, "enabled": enabled}
        engine = of_organisation(self._engine, organisation) if organisation else self._engine
        word = {True: "on", False: "off", None: "default"}[enabled]
        with engine.begin() as connection:
            connection.execute(flag_changes.insert().values(**row, actor=by.caller, address=by.address[:64]))
            if organisation:
                record(connection, by, f"feature.{word}", flag.name)
        log.info("feature switched", flag=flag.name, organisation=organisation, to=word, by=by.caller)
        self.read()

    def changes(self, organisation: str | None = None, limit: int = 20) -> list[FlagChange]:
        """The last switches of all, or of one organisation, the newest first."""
        table, email = flag_changes, sa.func.coalesce(users.c.email, "")
        whose = sa.func.coalesce(organisations.c.name, EVERYBODY)
        people = table.outerjoin(users, table.c.actor == sa.literal(PERSON) + users.c.id)
        both = people.outerjoin(organisations, organisations.c.id == table.c.organisation)
        query = sa.select(table.c.at, table.c.flag, whose, table.c.enabled, email).select_from(both)
        if organisation is not None:
            query = query.where(table.c.organisation == organisation)
        with self._engine.connect() as connection:
            return [FlagChange(*row) for row in connection.execute(query.order_by(table.c.id.desc()).limit(limit))]

    def _state(self, flag: Flag, organisation: str) -> bool:
        for whose in (organisation, EVERYBODY):
            if (flag.name, whose) in self._known:
                return self._known[flag.name, whose]
        return flag.default


def flags_of(request: Request) -> Flags:
    """The flags that were opened when the application started."""
    flags: Flags = request.app.state.flags
    return flags


def require_feature(flag: Flag) -> Callable[..., Awaitable[None]]:
    """A dependency of calls on an organisation: they do nothing while the feature is off for it."""

    async def check(request: Request, access: AccessDep) -> None:
        await flags_of(request).require(flag, access.scope.organisation)

    return check
