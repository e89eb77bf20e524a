"""Pages of one's account: sign-up, the proof of an address, log-in, a forgotten password, log-out."""

from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.accounts import routes as calls
from app.accounts.access import OptionalSessionDep, SessionDep, from_own_page
from app.accounts.passwords import SHORTEST
from app.accounts.routes import DeskDep
from app.accounts.settings import MailSettings
from app.errors import AppError
from app.operations.flags import SIGN_UP, flags_of
from app.site.failures import PRIVATE, PageRoute, words
from app.site.frame import FieldsDep
from app.web.pages import render

FORM_BYTES = 20_000
INSIDE = ("/o/", "/invitation?", "/organisations/", "/admin")  # where a log-in may lead to
PASSWORD_HINT = f"At least {SHORTEST} characters. Four words that do not belong together are good."
TO_LOGIN = {"address": "/login", "label": "Log in"}

router = APIRouter(
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(from_own_page)],
    max_body_size=FORM_BYTES,
)


class Form:
    """An account's page: shown empty, or again with what was wrong."""

    def __init__(self, request: Request, session: OptionalSessionDep) -> None:
        self.request = request
        self.session = session

    def show(self, template: str, heading: str, status: int = 200, **content: object) -> HTMLResponse:
        """The page; `content` is what only this one shows."""
        frame = {"heading": heading, "csrf": self.session.csrf if self.session else "", "me": None}
        page = render(f"site/{template}.html", self.request.app.state.platform, **{**frame, **content})
        return HTMLResponse(page, status, PRIVATE)

    def message(self, heading: str, text: str, **content: Mapping[str, object]) -> HTMLResponse:
        """A page that says something and leads on, by a `link` or an `action`."""
        return self.show("message", heading, 200, text=text, **content)

    def mailbox(self, text: str, **content: Mapping[str, object]) -> HTMLResponse:
        """The page that sends somebody to the mailbox; without a mail server it says where e-mails are."""
        mail: MailSettings = self.request.app.state.platform.settings.mail
        hint = "" if mail.host else f"No mail server is set up here: e-mails are files in {mail.outbox}."
        return self.show("message", "Check your mailbox", 200, text=text, hint=hint, **content)

    async def attempt(self, action: Awaitable[object]) -> tuple[str, int]:
        """What went wrong, and as which status; an empty text where nothing did."""
        try:
            await action
        except ValidationError as error:
            return words(error), HTTPStatus.UNPROCESSABLE_ENTITY
        except AppError as error:
            return error.message if error.status == HTTPStatus.UNAUTHORIZED else str(error), error.status
        return "", HTTPStatus.OK


FormDep = Annotated[Form, Depends()]


def onward(wanted: str) -> str:
    """A page of ours to go to after the log-in; anything else becomes the workspace."""
    return wanted if wanted.startswith(INSIDE) and "\\" not in wanted else "/app"


@router.get("/signup")
async def signup_form(form: FormDep) -> Response:
    """The form that makes an account."""
    if form.session:
        return RedirectResponse("/app", 303, PRIVATE)
    if not await to_thread.run_sync(flags_of(form.request).on, SIGN_UP):
        return form.message("Sign-up is closed", "New accounts cannot be made at the moment.", link=TO_LOGIN)
    return _signup(form, {})


@router.post("/signup")
async def signup(form: FormDep, sent: FieldsDep, desk: DeskDep) -> Response:
    """Make an account; the same answer for addresses that have one."""

    async def act() -> None:
        await calls.sign_up(calls.NewAccount.model_validate(_only(sent, "email", "password", "name")), desk)

    wrong, status = await form.attempt(act())
    if wrong:
        return _signup(form, sent, wrong, status)
    text = f"Open the link in the e-mail to {sent['email']} to confirm the address. It may take a minute to arrive."
    again = {"address": "/verify/again", "label": "Send it again", "fields": {"email": sent["email"]}}
    return form.mailbox(text, action=again, link=TO_LOGIN)


def _signup(form: Form, sent: dict[str, str], wrong: str = "", status: int = 200) -> HTMLResponse:
    kept = {name: sent.get(name, "") for name in ("name", "email")}
    heading = "Create your account"
    return form.show("signup", heading, status, wrong=wrong, password_hint=PASSWORD_HINT, place="signup", **kept)


@router.post("/verify/again")
async def verify_again(form: FormDep, sent: FieldsDep, desk: DeskDep) -> Response:
    """Send the proof of an address once more."""

    async def act() -> None:
        await calls.verify_again(calls.Email.model_validate(_only(sent, "email")), desk)

    wrong, _ = await form.attempt(act())
    text = wrong or "If there is an account that waits for it, another e-mail is on its way."
    return form.mailbox(text, link=TO_LOGIN)


@router.get("/verify")
async def verify_form(form: FormDep, token: str = "") -> Response:
    """Ask for a click, because mail programs open links by themselves and the link is good once."""
    confirm = {"address": "/verify", "label": "Confirm my address", "fields": {"token": token}}
    return form.message("Confirm your address", "One click, and your account is ready.", action=confirm)


@router.post("/verify")
async def verify(form: FormDep, sent: FieldsDep, desk: DeskDep) -> Response:
    """Prove an address."""

    async def act() -> None:
        await calls.verify(calls.Link.model_validate(_only(sent, "token")), desk)

    wrong, status = await form.attempt(act())
    if wrong:
        return form.show("message", "This link does not work", status, text=wrong, link=TO_LOGIN)
    return form.message("Your address is confirmed", "Log in to set up your organisation.", link=TO_LOGIN)


@router.get("/login")
async def login_form(form: FormDep, next: str = "") -> Response:
    """The form that starts a session."""
    if form.session:
        return RedirectResponse(onward(next), 303, PRIVATE)
    return _login(form, {"next": next})


@router.post("/login")
async def login(form: FormDep, sent: FieldsDep, desk: DeskDep) -> Response:
    """Start a session and go on to where the reader wanted to be."""
    response = RedirectResponse(onward(sent.get("next", "")), 303, PRIVATE)

    async def act() -> None:
        await calls.log_in(calls.Credentials.model_validate(_only(sent, "email", "password")), desk, response)

    wrong, status = await form.attempt(act())
    return _login(form, sent, wrong, status) if wrong else response


def _login(form: Form, sent: dict[str, str], wrong: str = "", status: int = 200) -> HTMLResponse:
    kept = {name: sent.get(name, "") for name in ("next", "email")}
    others = providers(form.request)
    return form.show("login", "Welcome back", status, wrong=wrong, place="login", providers=others, **kept)


def providers(request: Request) -> list[dict[str, str]]:
    """Who else can say who somebody is: the provider of `APP_OIDC__ISSUER`, where it is set up."""
    if not hasattr(request.app.state, "oidc"):
        return []
    issuer: str = request.app.state.platform.settings.oidc.issuer
    return [{"address": "/v1/login/oidc", "name": urlsplit(issuer).hostname or issuer}]


@router.post("/logout")
async def logout(session: SessionDep, desk: DeskDep) -> Response:
    """End this session."""
    response = RedirectResponse("/", 303, PRIVATE)
    await calls.log_out(session, desk, response)
    return response


@router.get("/forgotten")
async def forgotten_form(form: FormDep) -> Response:
    """The form that asks for a new password."""
    return form.show("forgotten", "Set a new password")


@router.post("/forgotten")
async def forgotten(form: FormDep, sent: FieldsDep, desk: DeskDep) -> Response:
    """Send the link, if there is such an account; the answer is the same without."""

    async def act() -> None:
        await calls.forgotten(calls.Email.model_validate(_only(sent, "email")), desk)

    wrong, status = await form.attempt(act())
    if wrong:
        return form.show("forgotten", "Set a new password", status, wrong=wrong)
    text = "If there is an account with this address, an e-mail with a link is on its way."
    return form.mailbox(text, link=TO_LOGIN)


@router.get("/reset")
async def reset_form(form: FormDep, token: str = "") -> Response:
    """The form that the link in the e-mail leads to."""
    return _reset(form, token)


@router.post("/reset")
async def reset(form: FormDep, sent: FieldsDep, desk: DeskDep) -> Response:
    """Set a password."""

    async def act() -> None:
        await calls.reset(calls.Reset.model_validate(_only(sent, "token", "password")), desk)

    wrong, status = await form.attempt(act())
    if wrong:
        return _reset(form, sent.get("token", ""), wrong, status)
    return form.message("The password is set", "Every session has ended; log in with the new one.", link=TO_LOGIN)


def _reset(form: Form, token: str, wrong: str = "", status: int = 200) -> HTMLResponse:
    heading = "Set a new password"
    return form.show("reset", heading, status, token=token, wrong=wrong, password_hint=PASSWORD_HINT)


@router.get("/app")
async def enter(request: Request, session: SessionDep) -> Response:
    """To the first of one's organisations, or to where one makes one."""
    mine = await to_thread.run_sync(request.app.state.organisations.of, session.user.id)
    return RedirectResponse(f"/o/{mine[0].id}" if mine else "/organisations/new", 303, PRIVATE)


def _only(sent: dict[str, str], *names: str) -> dict[str, str]:
    """The fields of this form, so that what else was sent sets nothing."""
    return {name: sent[name] for name in names if name in sent}
