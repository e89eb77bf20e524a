"""HTTP calls on organisations: members, invitations, keys and the audit log."""

from datetime import datetime
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.accounts.access import SessionDep, address_of
from app.accounts.routes import NO_LINK, Body, Confirmation, Identifier, Name, Secret
from app.accounts.users import Accounts
from app.mail import Address, Mailer
from app.organisations.access import AccessDep, require_role
from app.organisations.audit import Audit
from app.organisations.invitations import Invitations
from app.organisations.keys import OrganisationKeys
from app.organisations.members import Organisations
from app.scopes import Scope
from app.tenancy.scope import Role
from app.tenancy.work import delete_organisation as delete_organisation_data

router = APIRouter(tags=["organisations"])
LARGEST = 2**31 - 1  # ids of entries count up from 1

VIEWER, ADMIN, OWNER = ([Depends(require_role(role))] for role in (Role.VIEWER, Role.ADMIN, Role.OWNER))
ONE = "/organisations/{organisation}"


class State(BaseModel):
    """Answers that are read from the attributes of a record."""

    model_config = ConfigDict(from_attributes=True)


class OrganisationName(Body):
    """What an organisation is to be called."""

    name: Name


class OrganisationState(State):
    """An organisation and one's role in it."""

    id: str
    name: str
    role: Role


class MemberState(State):
    """A member."""

    id: str
    email: str
    name: str
    role: Role
    joined_at: datetime


class NewRole(Body):
    """A member's role to be."""

    role: Role


class NewInvitation(Body):
    """Whom to invite, and as what."""

    email: Address
    role: Role = Role.MEMBER


class InvitationState(State):
    """An open invitation."""

    id: str
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class InvitationLink(Body):
    """The secret of an invitation's link."""

    token: Secret


class NewKey(Body):
    """What a key is called and what it may be used for."""

    name: Name
    scopes: Annotated[set[Scope], Field(min_length=1)]


class KeyState(State):
    """A key without its secret."""

    id: str
    name: str
    scopes: Annotated[list[Scope], BeforeValidator(sorted)]
    created_at: datetime
    revoked_at: datetime | None


class KeyWithSecret(KeyState):
    """A new key; `secret` is shown this once."""

    secret: str


class AuditState(State):
    """One thing that was done."""

    id: int
    at: datetime
    actor: str
    email: str
    action: str
    target: str
    address: str


class Rooms:
    """What the calls of this module work with."""

    def __init__(self, request: Request) -> None:
        self.app: FastAPI = request.app
        state = request.app.state
        self.organisations: Organisations = state.organisations
        self.invitations: Invitations = state.invitations
        self.keys: OrganisationKeys = state.organisation_keys
        self.audit: Audit = state.audit
        self.mailer: Mailer = state.mailer
        self.accounts: Accounts = state.accounts
        self.hashing: CapacityLimiter = state.hashing


RoomsDep = Annotated[Rooms, Depends()]


@router.get("/organisations")
async def list_organisations(session: SessionDep, rooms: RoomsDep) -> list[OrganisationState]:
    """The organisations that one belongs to, by name."""
    mine = await to_thread.run_sync(rooms.organisations.of, session.user.id)
    return [OrganisationState.model_validate(one) for one in mine]


@router.post("/organisations", status_code=201)
async def create_organisation(
    new: OrganisationName, request: Request, session: SessionDep, rooms: RoomsDep
) -> OrganisationState:
    """Make an organisation and own it."""
    made = await to_thread.run_sync(rooms.organisations.create, session.user, new.name, address_of(request))
    return OrganisationState.model_validate(made)


@router.post("/invitations/accept", responses=NO_LINK)
async def accept_invitation(
    link: InvitationLink, request: Request, session: SessionDep, rooms: RoomsDep
) -> OrganisationState:
    """Become a member by the secret of a link that was sent to one's own address; it is good once."""
    joined = await to_thread.run_sync(rooms.invitations.accept, session.user, link.token, address_of(request))
    mine = await to_thread.run_sync(rooms.organisations.of, session.user.id)
    return OrganisationState.model_validate(next(one for one in mine if one.id == joined))


@router.get(ONE, dependencies=VIEWER)
async def get_organisation(access: AccessDep, rooms: RoomsDep) -> OrganisationState:
    """The organisation and one's role in it."""
    name = await to_thread.run_sync(rooms.organisations.name_of, access.scope)
    return OrganisationState(id=access.scope.organisation, name=name, role=access.scope.role)


@router.patch(ONE, dependencies=ADMIN)
async def rename_organisation(change: OrganisationName, access: AccessDep, rooms: RoomsDep) -> OrganisationState:
    """Call the organisation something else."""
    await to_thread.run_sync(rooms.organisations.rename, access.actor, change.name)
    return OrganisationState(id=access.scope.organisation, name=change.name, role=access.scope.role)


@router.post(f"{ONE}/delete", status_code=204, dependencies=OWNER)
async def delete_organisation(
    confirmation: Confirmation, session: SessionDep, access: AccessDep, rooms: RoomsDep
) -> None:
    """Delete the organisation and all that is its own, for good; the owner's password is asked for once more."""
    await to_thread.run_sync(rooms.accounts.confirm, session.user, confirmation.password, limiter=rooms.hashing)
    await to_thread.run_sync(delete_organisation_data, rooms.app, access.scope.organisation)


@router.get(f"{ONE}/members", dependencies=VIEWER)
async def list_members(access: AccessDep, rooms: RoomsDep) -> list[MemberState]:
    """The members by address."""
    members = await to_thread.run_sync(rooms.organisations.members, access.scope)
    return [MemberState.model_validate(member) for member in members]


@router.patch(f"{ONE}/members/{{user}}", status_code=204, dependencies=ADMIN)
async def change_role(user: Identifier, change: NewRole, access: AccessDep, rooms: RoomsDep) -> None:
    """Give a member another role; neither it nor the one before may be above one's own."""
    await to_thread.run_sync(rooms.organisations.set_role, access.actor, user, change.role)


@router.delete(f"{ONE}/members/{{user}}", status_code=204, dependencies=VIEWER)
async def remove_member(user: Identifier, access: AccessDep, rooms: RoomsDep) -> None:
    """Take a member out, or leave; somebody else is taken out by admins alone."""
    await to_thread.run_sync(rooms.organisations.remove, access.actor, user)


@router.get(f"{ONE}/invitations", dependencies=ADMIN)
async def list_invitations(access: AccessDep, rooms: RoomsDep) -> list[InvitationState]:
    """The open invitations, the newest first."""
    invitations = await to_thread.run_sync(rooms.invitations.open, access.scope)
    return [InvitationState.model_validate(one) for one in invitations]


@router.post(f"{ONE}/invitations", status_code=201, dependencies=ADMIN)
async def invite(
    new: NewInvitation, access: AccessDep, rooms: RoomsDep, background: BackgroundTasks
) -> InvitationState:
    """Send an invitation; an earlier one to the same address ends."""
    invitation, mail = await to_thread.run_sync(rooms.invitations.create, access.actor, new.email, new.role)
    background.add_task(rooms.mailer.deliver, mail)
    return InvitationState.model_validate(invitation)


@router.delete(f"{ONE}/invitations/{{identifier}}", status_code=204, dependencies=ADMIN)
async def withdraw_invitation(identifier: Identifier, access: AccessDep, rooms: RoomsDep) -> None:
    """End an open invitation."""
    await to_thread.run_sync(rooms.invitations.withdraw, access.actor, identifier)


@router.get(f"{ONE}/keys", dependencies=ADMIN)
async def list_keys(access: AccessDep, rooms: RoomsDep) -> list[KeyState]:
    """The organisation's keys without their secrets, the newest first."""
    keys = await to_thread.run_sync(rooms.keys.of, access.scope)
    return [KeyState.model_validate(key) for key in keys]


@router.post(f"{ONE}/keys", status_code=201, dependencies=ADMIN)
async def create_key(new: NewKey, access: AccessDep, rooms: RoomsDep) -> KeyWithSecret:
    """Make a key; its secret is in this answer and nowhere else."""
    secret, key = await to_thread.run_sync(rooms.keys.create, access.actor, new.name, new.scopes)
    return KeyWithSecret(secret=secret, **KeyState.model_validate(key).model_dump())


@router.delete(f"{ONE}/keys/{{identifier}}", status_code=204, dependencies=ADMIN)
async def revoke_key(identifier: Identifier, access: AccessDep, rooms: RoomsDep) -> None:
    """Refuse a key from now on."""
    await to_thread.run_sync(rooms.keys.revoke, access.actor, identifier)


@router.get(f"{ONE}/audit", dependencies=ADMIN)
async def list_audit(
    access: AccessDep,
    rooms: RoomsDep,
    before: Annotated[int | None, Query(ge=1, le=LARGEST, description="only entries with smaller ids")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[AuditState]:
    """What was done in the organisation, the newest first."""
    entries = await to_thread.run_sync(rooms.audit.entries, access.scope, before, limit)
    return [AuditState.model_validate(entry) for entry in entries]
