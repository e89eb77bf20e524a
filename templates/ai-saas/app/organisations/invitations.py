"""Invitations: a link by e-mail makes the person with that very address a member, once."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.accounts.letters import Letters
from app.accounts.links import digest
from app.accounts.settings import AccountSettings
from app.accounts.users import User
from app.billing.usage import Kind, Usage
from app.errors import InvalidInput, NotFound
from app.mail import Mail
from app.organisations.audit import PERSON, Actor, record
from app.organisations.members import add_member, refuse_above, role_of
from app.organisations.tables import invitations, organisations
from app.tenancy.scope import OrganisationScope, Role, new_id, of_organisation

MOST = 50  # open invitations of one organisation, so that nobody makes us send e-mail to the world


@dataclass(frozen=True)
class Invitation:
    """An open invitation; the secret of its link is stored nowhere."""

    id: str
    organisation: str
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class Invitations:
    """Writes, lists, withdraws and accepts invitations."""

    def __init__(self, engine: Engine, settings: AccountSettings, letters: Letters, usage: Usage) -> None:
        self._engine = engine
        self._settings = settings
        self._letters = letters
        self._usage = usage

    def create(self, by: Actor, email: str, role: Role) -> tuple[Invitation, Mail]:
        """Invite a mailbox; an open invitation to it ends.

        Raises:
            Forbidden: the role is above that of `by`.
            InvalidInput: too many invitations are open.
        """
        refuse_above(by.scope, role)
        organisation, secret, moment = by.scope.organisation, secrets.token_urlsafe(32), datetime.now(UTC)
        until = moment + timedelta(days=self._settings.invitation_days)
        invitation = Invitation(new_id(), organisation, email, role, moment, until)
        if len([one for one in self.open(by.scope) if one.email != email]) >= MOST:
            raise InvalidInput(f"{MOST} invitations are open, which is the most.", "Withdraw one first.")
        earlier = (invitations.c.organisation == organisation, invitations.c.email == email)
        with of_organisation(self._engine, organisation).begin() as connection:
            connection.execute(invitations.delete().where(*earlier, invitations.c.accepted_at.is_(None)))
            connection.execute(invitations.insert().values(sha256=digest(secret), **vars(invitation)))
            record(connection, by, "invitation.created", f"{email} {role.value}")
            query = sa.select(organisations.c.name).where(organisations.c.id == organisation)
            name = connection.execute(query).scalar_one()
        return invitation, self._letters.invitation(email, name, secret)

    def open(self, scope: OrganisationScope) -> list[Invitation]:
        """The organisation's open invitations, the newest first."""
        query = self._open(invitations.c.organisation == scope.organisation)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(invitations.c.created_at.desc()))
            return [_invitation(*row) for row in rows]

    def withdraw(self, by: Actor, identifier: str) -> None:
        """End an open invitation.

        Raises:
            NotFound: the organisation has no such invitation.
        """
        organisation = by.scope.organisation
        its = (invitations.c.id == identifier, invitations.c.organisation == organisation)
        with of_organisation(self._engine, organisation).begin() as connection:
            gone = connection.execute(invitations.delete().where(*its, invitations.c.accepted_at.is_(None))).rowcount
            if gone == 0:
                raise NotFound(f"There is no open invitation {identifier!r}.", "GET …/invitations lists them.")
            record(connection, by, "invitation.withdrawn", identifier)

    def find(self, user: User, secret: str) -> Invitation:
        """The open invitation whose link this person got.

        Raises:
            NotFound: unknown, used, withdrawn, too old, or meant for another address; which is not told.
        """
        query = self._open(invitations.c.sha256 == digest(secret), invitations.c.email == user.email)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound("This invitation is used, withdrawn, too old or for another address.", "Ask for a new one.")
        return _invitation(*row)

    def accept(self, user: User, secret: str, address: str) -> str:
        """Use up an invitation and return its organisation; who is a member already keeps the role they have.

        Raises:
            NotFound: there is no such invitation for this person, or it was used a moment ago.
            QuotaReached: the organisation's plan has no room for another member; the invitation stays open.
        """
        invitation = self.find(user, secret)
        scope = OrganisationScope(invitation.organisation, user.id, invitation.role)
        self._usage.take(scope, Kind.MEMBERS, 1, user.id)
        try:
            self._join(invitation, Actor(scope, PERSON + user.id, address))
        except NotFound:
            if not self._is_member(scope):
                self._usage.give_back(scope, Kind.MEMBERS, user.id)
            raise
        return invitation.organisation

    def _join(self, invitation: Invitation, by: Actor) -> None:
        unused = (invitations.c.id == invitation.id, invitations.c.accepted_at.is_(None))
        used = invitations.update().where(*unused).values(accepted_at=datetime.now(UTC))
        with of_organisation(self._engine, invitation.organisation).begin() as connection:
            if connection.execute(used).rowcount == 0:
                raise NotFound("This invitation was used or withdrawn a moment ago.", "Ask for a new one.")
            if role_of(connection, invitation.organisation, by.scope.user) is None:
                add_member(connection, invitation.organisation, by.scope.user, invitation.role)
            record(connection, by, "invitation.accepted", invitation.email)

    def _is_member(self, scope: OrganisationScope) -> bool:
        with self._engine.connect() as connection:
            return role_of(connection, scope.organisation, scope.user) is not None

    def _open(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
        names = ("id", "organisation", "email", "role", "created_at", "expires_at")
        columns = [invitations.c[name] for name in names]
        unused = (invitations.c.accepted_at.is_(None), invitations.c.expires_at > datetime.now(UTC))
        return sa.select(*columns).where(*conditions, *unused)


def _invitation(id: str, organisation: str, email: str, role: str, created: datetime, expires: datetime) -> Invitation:
    return Invitation(id, organisation, email, Role(role), created, expires)
