"""Who calls in which organisation: the one way from a request to an organisation's data."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials

from app.accounts.access import OptionalSessionDep, address_of
from app.accounts.sessions import Session
from app.api.dependencies import bearer
from app.api.limits import RateLimiter
from app.bootstrap import Platform
from app.errors import Forbidden, NotFound, TooManyRequests, Unauthorized
from app.organisations.audit import PERSON, Actor
from app.organisations.keys import OrganisationKeys
from app.organisations.members import Organisations
from app.scopes import Scope
from app.tenancy.scope import OrganisationScope, Role, is_id


@dataclass(frozen=True)
class Access:
    """Who is calling, in which organisation, and the platform that reaches this organisation's data alone.

    `caller` is `user:ID` or `key:ID`; `scopes` is None for people, who may do what their role allows.
    """

    scope: OrganisationScope
    platform: Platform
    caller: str
    address: str
    scopes: frozenset[Scope] | None = None

    @property
    def actor(self) -> Actor:
        """Who is calling, for the audit log."""
        return Actor(self.scope, self.caller, self.address)

    def demand(self, role: Role, scope: Scope | None) -> None:
        """Let nobody go on whose role is lower than `role`, nor a key without `scope`; None admits no key at all.

        Raises:
            Forbidden: the caller belongs to the organisation, but may not do this.
        """
        if self.scopes is not None and scope not in self.scopes:
            wanted = f"Make one with the scope {scope.value!r}." if scope else "Log in to do this."
            raise Forbidden("This key is not for this.", wanted)
        if not self.scope.role.covers(role):
            raise Forbidden(f"This needs the role {role.value!r}.", "Ask an owner or admin of the organisation.")


async def find_access(
    organisation: str,
    request: Request,
    session: OptionalSessionDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Access:
    """The caller's access to the organisation in the path.

    Raises:
        Unauthorized: neither a live session nor a live key.
        NotFound: there is no such organisation, or it is none of the caller's; both look the same.
        TooManyRequests: the caller has used up the minute.
    """
    if credentials:
        access = await to_thread.run_sync(_by_key, request, organisation, credentials.credentials)
    elif session:
        access = await to_thread.run_sync(_by_session, request, organisation, session)
    else:
        raise Unauthorized("This call needs a session or a key.", "Log in, or send `Authorization: Bearer KEY`.")
    _count(request, access.caller)
    return access


AccessDep = Annotated[Access, Depends(find_access)]


def require_role(role: Role, scope: Scope | None = None) -> Callable[..., Awaitable[Access]]:
    """A dependency that admits members from `role` upwards, and keys that carry `scope` where one is named."""

    async def permit(access: AccessDep) -> Access:
        access.demand(role, scope)
        return access

    return permit


def _by_key(request: Request, organisation: str, secret: str) -> Access:
    keys: OrganisationKeys = request.app.state.organisation_keys
    key = keys.find(secret)
    if key is None:
        raise Unauthorized("This key is unknown or revoked.", "An admin of the organisation makes one.")
    if key.organisation != organisation:
        raise _unknown(organisation)
    scope = OrganisationScope(organisation, "", Role.MEMBER)
    return _open(request, scope, f"key:{key.id}", key.scopes)


def _by_session(request: Request, organisation: str, session: Session) -> Access:
    organisations: Organisations = request.app.state.organisations
    role = organisations.role_of(session.user.id, organisation) if is_id(organisation) else None
    if role is None:
        raise _unknown(organisation)
    return _open(request, OrganisationScope(organisation, session.user.id, role), PERSON + session.user.id, None)


def _open(request: Request, scope: OrganisationScope, caller: str, scopes: frozenset[Scope] | None) -> Access:
    platform = request.app.state.tenants.open(scope.organisation)
    return Access(scope, platform, caller, address_of(request), scopes)


def _count(request: Request, caller: str) -> None:
    limiter: RateLimiter = request.app.state.rate_limiter
    allowance = limiter.take(caller)
    request.state.allowance = allowance
    if not allowance.granted:
        raise TooManyRequests(
            f"{allowance.limit} calls a minute are allowed (APP_API__REQUESTS_PER_MINUTE).", allowance.reset_seconds
        )


def _unknown(organisation: str) -> NotFound:
    return NotFound(f"There is no organisation {organisation!r}.", "GET /v1/organisations lists yours.")
