"""Who is logged in, and proof that it was one of our own pages that made the browser call."""

import secrets
from typing import Annotated
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import Depends, Request, Response

from app.accounts.sessions import Session, Sessions
from app.accounts.settings import AccountSettings
from app.errors import Forbidden, NotFound, Unauthorized

SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
HEADER, FIELD = "x-csrf-token", "csrf_token"
PUBLIC = {"security": []}  # how OpenAPI says that a call is for everybody; a test names all that are
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def address_of(request: Request) -> str:
    """The caller's network address; behind a proxy that the server trusts (FORWARDED_ALLOW_IPS), what that one says."""
    return request.client.host if request.client else ""


def cookie_name(settings: AccountSettings) -> str:
    """With `__Host-` a browser takes the cookie from this very host alone, over HTTPS, for all of it."""
    return "__Host-session" if settings.secure else "session"


def give_cookie(response: Response, settings: AccountSettings, token: str) -> None:
    """Let the browser keep a session's token, out of every script's reach."""
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=int(settings.longest.total_seconds()),
        httponly=True,
        secure=settings.secure,
        samesite="lax",
    )


def take_cookie(response: Response, settings: AccountSettings) -> None:
    """Let the browser forget the token."""
    response.delete_cookie(cookie_name(settings), httponly=True, secure=settings.secure, samesite="lax")


async def from_own_page(request: Request) -> None:
    """Refuse calls that a page of another origin made a browser send; programs say nothing of origins and may pass.

    Raises:
        Forbidden: the call comes from a foreign page.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = site not in (None, "same-origin", "none")
    if site is None and origin is not None:
        settings: AccountSettings = request.app.state.platform.settings.accounts
        ours = (request.headers.get("host"), urlsplit(settings.base_url).netloc)  # a proxy may change the first
        foreign = urlsplit(origin).netloc not in ours
    if foreign and request.method not in SAFE:
        raise Forbidden("This call was made by another site's page.", "Use the pages of this service.")


async def find_session(request: Request) -> Session | None:
    """The live session whose cookie came along. A key speaks for itself: beside one the cookie does not count.

    Raises:
        Forbidden: the call would change something and carries no proof that one of our pages made it.
    """
    settings: AccountSettings = request.app.state.platform.settings.accounts
    token = request.cookies.get(cookie_name(settings))
    if not token or "authorization" in request.headers:
        return None
    sessions: Sessions = request.app.state.sessions
    session = await to_thread.run_sync(sessions.find, token)
    if session and request.method not in SAFE:
        await from_own_page(request)
        if not secrets.compare_digest((await _csrf_of(request)).encode(), session.csrf.encode()):
            raise Forbidden("The proof that one of our pages made this call is missing.", "Load the page again.")
    return session


OptionalSessionDep = Annotated[Session | None, Depends(find_session)]


async def require_session(session: OptionalSessionDep) -> Session:
    """The session of who is logged in.

    Raises:
        Unauthorized: nobody is.
    """
    if session is None:
        raise Unauthorized("This call needs a session.", "Log in.")
    return session


SessionDep = Annotated[Session, Depends(require_session)]


async def require_operator(session: SessionDep) -> Session:
    """The session of who runs the service; to everybody else there is nothing here.

    Raises:
        NotFound: somebody else is logged in.
    """
    if not session.user.operator:
        raise NotFound("There is no such page.", "")
    return session


OperatorDep = Annotated[Session, Depends(require_operator)]


async def _csrf_of(request: Request) -> str:
    """What the call carries as proof: a header, or else a field of its form."""
    header = request.headers.get(HEADER)
    if header is not None:
        return header
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    field = (await request.form()).get(FIELD) if kind in FORMS else None
    return field if isinstance(field, str) else ""
