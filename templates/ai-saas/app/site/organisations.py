"""Pages that make an organisation or join one."""

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.accounts.access import SessionDep, from_own_page
from app.organisations import routes as calls
from app.organisations.routes import RoomsDep
from app.site.account import FORM_BYTES, FormDep
from app.site.failures import PRIVATE, PageRoute
from app.site.frame import FieldsDep

router = APIRouter(
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(from_own_page)],
    max_body_size=FORM_BYTES,
)


@router.get("/organisations/new")
async def new_form(request: Request, session: SessionDep, form: FormDep) -> Response:
    """The form that makes an organisation; the ones there are below it."""
    mine = await to_thread.run_sync(request.app.state.organisations.of, session.user.id)
    return form.show("organisation_new", "Set up your organisation", name="", organisations=mine)


@router.post("/organisations/new")
async def new(request: Request, session: SessionDep, form: FormDep, sent: FieldsDep, rooms: RoomsDep) -> Response:
    """Make an organisation and enter it."""
    made: list[str] = []

    async def act() -> None:
        name = calls.OrganisationName.model_validate({"name": sent.get("name", "")})
        made.append((await calls.create_organisation(name, request, session, rooms)).id)

    wrong, status = await form.attempt(act())
    if not wrong:
        return RedirectResponse(f"/o/{made[0]}", 303, PRIVATE)
    heading, name = "Set up your organisation", sent.get("name", "")
    mine = await to_thread.run_sync(request.app.state.organisations.of, session.user.id)
    return form.show("organisation_new", heading, status, wrong=wrong, name=name, organisations=mine)


@router.get("/invitation")
async def invitation_form(session: SessionDep, form: FormDep, token: str = "") -> Response:
    """Ask whether to join, because mail programs open links by themselves and the link is good once."""
    join = {"address": "/invitation", "label": "Join the organisation", "fields": {"token": token}}
    text = f"You are logged in as {session.user.email}. The invitation must have come to this address."
    return form.message("You are invited", text, action=join)


@router.post("/invitation")
async def accept(request: Request, session: SessionDep, form: FormDep, sent: FieldsDep, rooms: RoomsDep) -> Response:
    """Join, and enter the organisation."""
    joined: list[str] = []

    async def act() -> None:
        link = calls.InvitationLink.model_validate({"token": sent.get("token", "")})
        joined.append((await calls.accept_invitation(link, request, session, rooms)).id)

    wrong, status = await form.attempt(act())
    if not wrong:
        return RedirectResponse(f"/o/{joined[0]}?done=joined", 303, PRIVATE)
    onward = {"address": "/app", "label": "Go to the workspace"}
    return form.show("message", "This invitation does not work", status, text=wrong, link=onward)
