"""Pages that manage an organisation: members, invitations, API keys and the audit log."""

from http import HTTPStatus

from anyio import to_thread
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from starlette.responses import HTMLResponse, Response

from app.accounts.routes import Identifier
from app.billing.plans import Kind
from app.organisations import routes as calls
from app.organisations.access import require_role
from app.organisations.routes import RoomsDep
from app.scopes import Scope
from app.site.account import FORM_BYTES
from app.site.failures import PageRoute
from app.site.frame import FieldsDep, Page, Visit, VisitDep
from app.tenancy.scope import Role

router = APIRouter(
    prefix="/o/{organisation}",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(require_role(Role.VIEWER))],
    max_body_size=FORM_BYTES,
)
ADMINS = [Depends(require_role(Role.ADMIN))]
SCOPES = {Scope.DOCUMENTS: "Add, list and delete documents", Scope.ASK: "Ask questions"}
ENTRIES = 100  # of the audit log on one page


@router.get("/members")
async def members(visit: VisitDep) -> Response:
    """Who belongs to the organisation."""
    return visit.show(await members_page(visit))


async def members_page(visit: Visit) -> Page:
    """Members, and for admins the open invitations."""
    state, scope = visit.request.app.state, visit.access.scope

    def read() -> dict[str, object]:
        return {
            "members": state.organisations.members(scope),
            "invitations": state.invitations.open(scope) if visit.may.admin else [],
            "grantable": [role.value for role in Role if scope.role.covers(role)],
            "seats": visit.room(Kind.MEMBERS),
        }

    return Page("site/members.html", "Members", await to_thread.run_sync(read))


@router.post("/members/invite", dependencies=ADMINS)
async def invite(visit: VisitDep, sent: FieldsDep, rooms: RoomsDep, background: BackgroundTasks) -> Response:
    """Send an invitation."""

    async def act() -> None:
        new = calls.NewInvitation.model_validate({"email": sent.get("email", ""), "role": sent.get("role", "")})
        await calls.invite(new, visit.access, rooms, background)

    return await visit.attempt(act(), members_page, "/members?done=invited")


@router.post("/invitations/{identifier}/revoke", dependencies=ADMINS)
async def withdraw(identifier: Identifier, visit: VisitDep, rooms: RoomsDep) -> Response:
    """Take an invitation back."""
    gone = calls.withdraw_invitation(identifier, visit.access, rooms)
    return await visit.attempt(gone, members_page, "/members?done=withdrawn")


@router.post("/members/{user}/role", dependencies=ADMINS)
async def change_role(user: Identifier, visit: VisitDep, sent: FieldsDep, rooms: RoomsDep) -> Response:
    """Give a member another role."""

    async def act() -> None:
        change = calls.NewRole.model_validate({"role": sent.get("role", "")})
        await calls.change_role(user, change, visit.access, rooms)

    return await visit.attempt(act(), members_page, "/members?done=role")


@router.post("/members/{user}/remove")
async def remove(user: Identifier, visit: VisitDep, rooms: RoomsDep) -> Response:
    """Take a member out, or leave."""
    gone = calls.remove_member(user, visit.access, rooms)
    answer = await visit.attempt(gone, members_page, "/members?done=removed")
    if user == visit.access.scope.user and answer.status_code == HTTPStatus.SEE_OTHER:
        answer.headers["Location"] = "/app"  # who left sees this organisation no more
    return answer


@router.get("/keys", dependencies=ADMINS)
async def keys(visit: VisitDep) -> Response:
    """The organisation's live keys."""
    return visit.show(await keys_page(visit))


async def keys_page(visit: Visit, secret: str = "") -> Page:
    """Keys; `secret` was made a moment ago and is shown this once."""
    found = await to_thread.run_sync(visit.request.app.state.organisation_keys.of, visit.access.scope)
    content = {
        "keys": [key for key in found if key.revoked_at is None],
        "scopes": [{"name": scope.value, "text": text} for scope, text in SCOPES.items()],
        "fresh_key": secret,
    }
    return Page("site/keys.html", "API keys", content)


@router.post("/keys/create", dependencies=ADMINS)
async def create_key(request: Request, visit: VisitDep, rooms: RoomsDep) -> Response:
    """Make a key and show it."""
    form = await request.form()
    made: list[str] = []

    async def act() -> None:
        wanted = {"name": form.get("name", ""), "scopes": form.getlist("scope")}
        made.append((await calls.create_key(calls.NewKey.model_validate(wanted), visit.access, rooms)).secret)

    answer = await visit.attempt(act(), keys_page, "/keys")
    return visit.show(await keys_page(visit, made[0])) if made else answer


@router.post("/keys/{identifier}/revoke", dependencies=ADMINS)
async def revoke_key(identifier: Identifier, visit: VisitDep, rooms: RoomsDep) -> Response:
    """Refuse a key from now on."""
    gone = calls.revoke_key(identifier, visit.access, rooms)
    return await visit.attempt(gone, keys_page, "/keys?done=revoked")


@router.get("/audit", dependencies=ADMINS)
async def audit(request: Request, visit: VisitDep, before: int | None = None) -> Response:
    """What was done, the newest first."""
    find = request.app.state.audit.entries
    found = await to_thread.run_sync(find, visit.access.scope, before, ENTRIES + 1)
    content = {"entries": found[:ENTRIES], "more": len(found) > ENTRIES}
    return visit.show(Page("site/audit.html", "Audit log", content))


@router.get("/feedback", dependencies=ADMINS)
async def feedback(visit: VisitDep) -> Response:
    """What readers said of answers, the newest first."""
    found = await to_thread.run_sync(visit.access.platform.answers.judgements, ENTRIES)
    kept = visit.access.platform.settings.quality.content
    return visit.show(Page("site/feedback.html", "Feedback", {"judgements": found, "kept": kept}))
