"""What a request handler may ask for: the platform, and proof of who is calling."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.api.limits import RateLimiter
from app.bootstrap import Platform
from app.errors import Forbidden, TooManyRequests, Unauthorized
from app.scopes import Scope
from app.stores.keys import Caller

bearer = HTTPBearer(auto_error=False, description="A key made by `uv run app keys create NAME`.")
PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"  # text to keep: PostgreSQL takes no NUL, nobody types the others
PAGE = Caller("page", "page", frozenset({Scope.ADMIN}))


async def get_platform(request: Request) -> Platform:
    """The services opened when the application started; `async` spares a thread for nothing."""
    platform: Platform = request.app.state.platform
    return platform


PlatformDep = Annotated[Platform, Depends(get_platform)]


async def authenticate(
    platform: PlatformDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """Who is calling.

    Raises:
        Unauthorized: no key, or one that is unknown or revoked.
    """
    if credentials is None:
        raise Unauthorized("This call needs a key.", "Send `Authorization: Bearer KEY`.")
    secret = credentials.credentials
    page_key = platform.settings.api.page_key
    if page_key and secrets.compare_digest(secret.encode(), page_key.get_secret_value().encode()):
        return PAGE
    keys = platform.catalog.keys
    caller = keys.trusted(secret) or await to_thread.run_sync(keys.find, secret)
    if caller is None:
        raise Unauthorized("This key is unknown or revoked.", "`uv run app keys create NAME` makes one.")
    return caller


CallerDep = Annotated[Caller, Depends(authenticate)]


def require(scope: Scope) -> Callable[..., Awaitable[None]]:
    """A dependency that lets callers pass whose key covers `scope` and has calls left.

    Raises:
        Forbidden: the key is for other things.
        TooManyRequests: the key has used up its minute.
    """

    async def permit(request: Request, caller: CallerDep) -> None:
        if not caller.may(scope):
            raise Forbidden(f"The key {caller.name!r} lacks the scope {scope.value!r}.", "Make one with --scope.")
        limiter: RateLimiter = request.app.state.rate_limiter
        allowance = limiter.take(caller.id)
        request.state.allowance = allowance
        if not allowance.granted:
            raise TooManyRequests(
                f"This key may call {allowance.limit} times a minute (APP_API__REQUESTS_PER_MINUTE).",
                allowance.reset_seconds,
            )

    return permit
