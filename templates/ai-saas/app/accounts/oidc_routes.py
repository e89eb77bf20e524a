"""The two calls of a login with another provider: to the provider, and back."""

import secrets
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import RedirectResponse

from app.accounts.access import address_of, give_cookie
from app.accounts.oidc import Provider
from app.accounts.sessions import Sessions
from app.accounts.settings import AccountSettings
from app.accounts.users import Accounts
from app.bootstrap import Platform
from app.errors import Unauthorized
from app.operations.flags import SIGN_UP, flags_of

PATH = "/v1/login/oidc"
SECONDS = 600  # how long a login at the provider may take

router = APIRouter(include_in_schema=False)


def mount(app: FastAPI, platform: Platform) -> None:
    """Add the calls.

    Raises:
        ConfigurationError: the settings do not fit.
    """
    app.state.oidc = Provider(platform.settings.oidc, f"{platform.settings.accounts.base_url}{PATH}/callback")
    app.include_router(router)


def flow_cookie(settings: AccountSettings) -> str:
    """The cookie that ties the provider's answer to the browser that asked."""
    return "__Host-login" if settings.secure else "login"


@router.get(PATH)
async def begin(request: Request) -> RedirectResponse:
    """Send the browser to the provider."""
    provider: Provider = request.app.state.oidc
    settings: AccountSettings = request.app.state.platform.settings.accounts
    secret = secrets.token_urlsafe(32)
    answer = RedirectResponse(await to_thread.run_sync(provider.address, secret), 303)
    answer.set_cookie(
        flow_cookie(settings), secret, max_age=SECONDS, httponly=True, secure=settings.secure, samesite="lax"
    )
    return answer


@router.get(f"{PATH}/callback")
async def come_back(
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=2000)] = "",
) -> RedirectResponse:
    """Start a session for whom the provider vouches."""
    provider: Provider = request.app.state.oidc
    accounts: Accounts = request.app.state.accounts
    sessions: Sessions = request.app.state.sessions
    settings: AccountSettings = request.app.state.platform.settings.accounts
    secret = request.cookies.get(flow_cookie(settings))
    if not secret or not code:
        raise Unauthorized("This login was not begun here, or the provider refused it.", "Begin again.")
    identity = await to_thread.run_sync(provider.identity, secret, state, code)
    if not await to_thread.run_sync(accounts.knows, identity.email):
        await flags_of(request).require(SIGN_UP)
    user = await to_thread.run_sync(accounts.admit, identity.email, identity.name, limiter=request.app.state.hashing)
    browser = request.headers.get("user-agent", "")
    token = await to_thread.run_sync(sessions.start, user, address_of(request), browser)
    answer = RedirectResponse("/", 303)
    give_cookie(answer, settings, token)
    answer.delete_cookie(flow_cookie(settings), httponly=True, secure=settings.secure, samesite="lax")
    return answer
