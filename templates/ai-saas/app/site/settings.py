"""Pages of settings: oneself, the organisation, where one is logged in, and the end of an organisation."""

from http import HTTPStatus

from anyio import to_thread
from fastapi import APIRouter, Depends
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.accounts import routes as account_calls
from app.accounts.routes import DeskDep, Identifier
from app.organisations import routes as calls
from app.organisations.access import require_role
from app.organisations.routes import RoomsDep
from app.site.account import FORM_BYTES, PASSWORD_HINT
from app.site.failures import PRIVATE, PageRoute
from app.site.frame import FieldsDep, Page, Visit, VisitDep
from app.tenancy.scope import Role

router = APIRouter(
    prefix="/o/{organisation}/settings",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(require_role(Role.VIEWER))],
    max_body_size=FORM_BYTES,
)

# The first mark that is found counts: Edge also says Chrome, and Chrome also says Safari.
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


@router.get("")
async def settings(visit: VisitDep) -> Response:
    """Everything that can be set."""
    return visit.show(await settings_page(visit))


async def settings_page(visit: Visit) -> Page:
    """Oneself and the organisation."""
    found = await to_thread.run_sync(visit.request.app.state.sessions.of, visit.session.user)
    content = {
        "sessions": [
            {**vars(one), "device": device(one.browser), "current": one.id == visit.session.id} for one in found
        ],
        "password_hint": PASSWORD_HINT,
        "export_address": f"/v1/organisations/{visit.access.scope.organisation}/export",
    }
    return Page("site/settings.html", "Settings", content)


@router.post("/profile")
async def profile(visit: VisitDep, sent: FieldsDep, desk: DeskDep) -> Response:
    """Change one's name."""

    async def act() -> None:
        change = account_calls.Profile.model_validate({"name": sent.get("name", "")})
        await account_calls.change_profile(change, visit.session, desk)

    return await visit.attempt(act(), settings_page, "/settings?done=saved")


@router.post("/password")
async def password(visit: VisitDep, sent: FieldsDep, desk: DeskDep) -> Response:
    """Set another password."""

    async def act() -> None:
        wanted = {"old": sent.get("old", ""), "new": sent.get("new", "")}
        change = account_calls.ChangedPassword.model_validate(wanted)
        await account_calls.change_password(change, visit.session, desk)

    return await visit.attempt(act(), settings_page, "/settings?done=password")


@router.post("/organisation", dependencies=[Depends(require_role(Role.ADMIN))])
async def organisation(visit: VisitDep, sent: FieldsDep, rooms: RoomsDep) -> Response:
    """Call the organisation something else."""

    async def act() -> None:
        name = calls.OrganisationName.model_validate({"name": sent.get("organisation_name", "")})
        await calls.rename_organisation(name, visit.access, rooms)

    return await visit.attempt(act(), settings_page, "/settings?done=saved")


@router.post("/sessions/{identifier}/end")
async def end_session(identifier: Identifier, visit: VisitDep, desk: DeskDep) -> Response:
    """Log out somewhere else."""
    ended = account_calls.end_session(identifier, visit.session, desk)
    return await visit.attempt(ended, settings_page, "/settings?done=ended")


@router.post("/delete", dependencies=[Depends(require_role(Role.OWNER))])
async def delete(visit: VisitDep, sent: FieldsDep, rooms: RoomsDep) -> Response:
    """Delete the organisation for good."""

    async def act() -> None:
        confirmation = account_calls.Confirmation.model_validate({"password": sent.get("password", "")})
        await calls.delete_organisation(confirmation, visit.session, visit.access, rooms)

    answer = await visit.attempt(act(), settings_page, "")
    gone = answer.status_code == HTTPStatus.SEE_OTHER
    return RedirectResponse("/app", HTTPStatus.SEE_OTHER, PRIVATE) if gone else answer


def device(agent: str) -> str:
    """What a browser calls itself, in words: `Firefox on Linux`."""
    browser = next((name for mark, name in BROWSERS.items() if mark in agent), "Unknown browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in agent), "")
    return f"{browser} on {system}" if system else browser
