"""Organisations and who belongs to them. Nobody gives or takes a role above their own, and an owner always stays."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.accounts.settings import AccountSettings
from app.accounts.tables import users
from app.accounts.users import User
from app.billing.usage import Kind, Usage
from app.errors import Forbidden, InvalidInput, NotFound
from app.organisations.audit import PERSON, Actor, record
from app.organisations.tables import members, organisations
from app.tenancy.scope import OrganisationScope, Role, of_organisation
from app.tenancy.tables import add_tenant


@dataclass(frozen=True)
class Membership:
    """An organisation, as one of its members sees it."""

    id: str
    name: str
    role: Role


@dataclass(frozen=True)
class Member:
    """A person in an organisation."""

    id: str
    email: str
    name: str
    role: Role
    joined_at: datetime


class Organisations:
    """Makes organisations and keeps their members."""

    def __init__(self, engine: Engine, settings: AccountSettings, usage: Usage) -> None:
        self._engine = engine
        self._settings = settings
        self._usage = usage

    def create(self, user: User, name: str, address: str) -> Membership:
        """A new organisation whose owner is `user`.

        Raises:
            InvalidInput: this person owns as many as one may.
        """
        owned = [one for one in self.of(user.id) if one.role is Role.OWNER]
        if len(owned) >= self._settings.organisations:
            raise InvalidInput(f"You own {len(owned)} organisations, which is the most.", "Delete one of them first.")
        with self._engine.begin() as connection:
            identifier = add_tenant(connection)
            connection.execute(organisations.insert().values(id=identifier, name=name))
            add_member(connection, identifier, user.id, Role.OWNER)
        scope = OrganisationScope(identifier, user.id, Role.OWNER)
        self._usage.take(scope, Kind.MEMBERS, 1, user.id)
        with self._changing(identifier) as connection:
            record(connection, Actor(scope, PERSON + user.id, address), "organisation.created", name)
        return Membership(identifier, name, Role.OWNER)

    def of(self, user: str) -> list[Membership]:
        """The organisations that this person belongs to, by name."""
        query = sa.select(organisations.c.id, organisations.c.name, members.c.role).select_from(
            organisations.join(members, members.c.organisation == organisations.c.id)
        )
        query = query.where(members.c.user == user).order_by(organisations.c.name, organisations.c.id)
        with self._engine.connect() as connection:
            return [Membership(id, name, Role(role)) for id, name, role in connection.execute(query)]

    def role_of(self, user: str, organisation: str) -> Role | None:
        """The person's role in the organisation; None where they have none."""
        with self._engine.connect() as connection:
            return role_of(connection, organisation, user)

    def name_of(self, scope: OrganisationScope) -> str:
        """What the organisation is called."""
        query = sa.select(organisations.c.name).where(organisations.c.id == scope.organisation)
        with self._engine.connect() as connection:
            name: str = connection.execute(query).scalar_one()
        return name

    def members(self, scope: OrganisationScope) -> list[Member]:
        """The organisation's members by address."""
        columns = (users.c.id, users.c.email, users.c.name, members.c.role, members.c.joined_at)
        query = sa.select(*columns).select_from(members.join(users)).where(members.c.organisation == scope.organisation)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(users.c.email)).all()
        return [Member(id, email, name, Role(role), joined) for id, email, name, role, joined in rows]

    def rename(self, by: Actor, name: str) -> None:
        """Let the organisation be called `name`."""
        identifier = by.scope.organisation
        with self._changing(identifier) as connection:
            connection.execute(organisations.update().where(organisations.c.id == identifier).values(name=name))
            record(connection, by, "organisation.renamed", name)

    def set_role(self, by: Actor, user: str, role: Role) -> None:
        """Give a member another role.

        Raises:
            NotFound: there is no such member.
            Forbidden: their role or the new one is above that of `by`.
            InvalidInput: they are the last owner.
        """
        organisation = by.scope.organisation
        with self._changing(organisation) as connection:
            refuse_above(by.scope, _known(role_of(connection, organisation, user), user), role)
            connection.execute(members.update().where(*_is(organisation, user)).values(role=role.value))
            _require_owner(connection, organisation)
            record(connection, by, "member.role", f"{user} {role.value}")

    def remove(self, by: Actor, user: str) -> None:
        """Take a member out; everybody may take out themselves.

        Raises:
            NotFound: there is no such member.
            Forbidden: it is somebody else, and `by` is no admin or their role is above that of `by`.
            InvalidInput: they are the last owner.
        """
        organisation = by.scope.organisation
        with self._changing(organisation) as connection:
            role = _known(role_of(connection, organisation, user), user)
            if user != by.scope.user:
                refuse_above(by.scope, role, Role.ADMIN)
            connection.execute(members.delete().where(*_is(organisation, user)))
            _require_owner(connection, organisation)
            record(connection, by, "member.removed", user)
        self._usage.give_back(by.scope, Kind.MEMBERS, user)

    def leave_all(self, user: User, address: str, delete: Callable[[Connection, str], None]) -> None:
        """Take the person out of every organisation, then `delete` their account.

        Raises:
            InvalidInput: they are an organisation's last owner; they stay in that one and keep the account.
        """
        for one in self.of(user.id):
            self.remove(Actor(OrganisationScope(one.id, user.id, one.role), PERSON + user.id, address), user.id)
        with self._engine.begin() as connection:
            delete(connection, user.id)

    @contextmanager
    def _changing(self, organisation: str) -> Iterator[Connection]:
        """A transaction for one organisation; others that would change it wait, so that two owners cannot both go."""
        lock = organisations.update().where(organisations.c.id == organisation).values(id=organisation)
        with of_organisation(self._engine, organisation).begin() as connection:
            connection.execute(lock)
            yield connection


def add_member(connection: Connection, organisation: str, user: str, role: Role) -> None:
    """Let a person belong to an organisation."""
    row = {"organisation": organisation, "user": user, "role": role.value, "joined_at": datetime.now(UTC)}
    connection.execute(members.insert().values(**row))


def refuse_above(scope: OrganisationScope, *roles: Role) -> None:
    """Let only those go on whose role is at least each of `roles`.

    Raises:
        Forbidden: one of them is above the role of `scope`.
    """
    highest = max(roles)
    if not scope.role.covers(highest):
        raise Forbidden(f"Your role is {scope.role.value!r}, this needs {highest.value!r}.", "Ask an owner.")


def _is(organisation: str, user: str) -> tuple[sa.ColumnElement[bool], ...]:
    return members.c.organisation == organisation, members.c.user == user


def role_of(connection: Connection, organisation: str, user: str) -> Role | None:
    """The person's role in the organisation; None where they have none."""
    role = connection.execute(sa.select(members.c.role).where(*_is(organisation, user))).scalar()
    return Role(role) if role else None


def _known(role: Role | None, user: str) -> Role:
    if role is None:
        raise NotFound(f"There is no member {user!r}.", "GET …/members lists them.")
    return role


def _require_owner(connection: Connection, organisation: str) -> None:
    owner = sa.select(members.c.user).where(members.c.organisation == organisation, members.c.role == Role.OWNER.value)
    if connection.execute(owner).first() is None:
        raise InvalidInput("An organisation keeps at least one owner.", "Make somebody else an owner first.")
