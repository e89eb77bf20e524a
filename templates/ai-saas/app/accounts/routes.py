"""HTTP calls on one's own account. To strangers they answer the same, whether or not there is an account."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, BackgroundTasks, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.accounts.access import PUBLIC, SessionDep, address_of, from_own_page, give_cookie, take_cookie
from app.accounts.lockout import Lockout
from app.accounts.passwords import LONGEST, SHORTEST
from app.accounts.sessions import Session, Sessions
from app.accounts.settings import AccountSettings
from app.accounts.users import Accounts
from app.api.problems import MEDIA_TYPE
from app.mail import Address, Mail, Mailer
from app.operations.flags import SIGN_UP, Flags
from app.organisations.members import Organisations
from app.tenancy.scope import ID_LENGTH

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
MAILS_PER_ADDRESS = 20  # calls in a row that make us send e-mail, from one network address, …
MAILS_FORGOTTEN = timedelta(minutes=10)  # … where a pause of so long ends the row

PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
NO_LINK: dict[int | str, dict[str, Any]] = {
    404: {"description": "The link is unknown, used up or too old", "content": PROBLEM}
}

router = APIRouter(tags=["account"], dependencies=[Depends(from_own_page)])

NewPassword = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]
Password = Annotated[str, Field(max_length=LONGEST)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Identifier = Annotated[str, Path(pattern=f"^[0-9a-f]{{{ID_LENGTH}}}$")]
Secret = Annotated[str, Field(min_length=20, max_length=100)]


class Body(BaseModel):
    """A body that names nothing else, so that no call sets what it is not meant to set."""

    model_config = ConfigDict(extra="forbid")


class NewAccount(Body):
    """Who signs up."""

    email: Address
    password: NewPassword
    name: Name


class Credentials(Body):
    """Who logs in."""

    email: Address
    password: Password


class Email(Body):
    """A mailbox."""

    email: Address


class Link(Body):
    """The secret of a link that came by e-mail."""

    token: Secret


class Reset(Link):
    """The secret of a link, and the password to set."""

    password: NewPassword


class ChangedPassword(Body):
    """The password of today and that of tomorrow."""

    old: Password
    new: NewPassword


class Profile(Body):
    """What a person may change of themselves."""

    name: Name


class Confirmation(Body):
    """The password, once more, before what cannot be undone."""

    password: Password


class Accepted(BaseModel):
    """What a stranger is told: the same for every address."""

    detail: str = "If this can be done, an e-mail is on its way."


class Me(BaseModel):
    """Who is logged in; `csrf_token` goes into the header `X-CSRF-Token` of every call that changes something."""

    id: str
    email: str
    name: str
    operator: bool
    created_at: datetime
    csrf_token: str


class SessionState(BaseModel):
    """One of one's sessions; `current` is the one that asks."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    address: str
    browser: str
    created_at: datetime
    seen_at: datetime
    current: bool = False


def _me(session: Session) -> Me:
    user = session.user
    return Me(
        id=user.id,
        email=user.email,
        name=user.name,
        operator=user.operator,
        created_at=user.created_at,
        csrf_token=session.csrf,
    )


class Desk:
    """What the calls of this module work with; argon2 gets two threads, so that logins cannot eat the machine."""

    def __init__(self, request: Request, background: BackgroundTasks) -> None:
        state = request.app.state
        self.accounts: Accounts = state.accounts
        self.sessions: Sessions = state.sessions
        self.organisations: Organisations = state.organisations
        self.settings: AccountSettings = state.platform.settings.accounts
        self.hashing: CapacityLimiter = state.hashing
        self.flags: Flags = state.flags
        self.address = address_of(request)
        self.browser = request.headers.get("user-agent", "")
        self._lockout: Lockout = state.lockout
        self._mailer: Mailer = state.mailer
        self._background = background

    def post(self, mail: Mail) -> None:
        """Send when the answer has gone out, so that nobody waits for a mail server."""
        self._background.add_task(self._mailer.deliver, mail)

    def post_later(self, write: Callable[[str], Mail | None], email: str) -> None:
        """Look whether there is anything to send when the answer has gone out, so that its time tells nothing."""
        self._background.add_task(lambda: self._mailer.deliver(write(email)))

    async def limit_mail(self) -> None:
        """Count a call that makes us send e-mail.

        Raises:
            TooManyRequests: there were too many from this network address.
        """
        await to_thread.run_sync(self._lockout.take, "mail", self.address, MAILS_PER_ADDRESS, MAILS_FORGOTTEN)


DeskDep = Annotated[Desk, Depends()]


@router.post("/signup", status_code=202, openapi_extra=PUBLIC)
async def sign_up(account: NewAccount, desk: DeskDep) -> Accepted:
    """Make an account; it can be used when the link in the e-mail was opened."""
    await desk.flags.require(SIGN_UP)
    await desk.limit_mail()
    mail = await to_thread.run_sync(
        desk.accounts.sign_up, account.email, account.password, account.name, limiter=desk.hashing
    )
    desk.post(mail)
    return Accepted()


@router.post("/verify", status_code=204, openapi_extra=PUBLIC, responses=NO_LINK)
async def verify(link: Link, desk: DeskDep) -> None:
    """Prove an address by the secret of its link, which is good once."""
    await to_thread.run_sync(desk.accounts.verify, link.token)


@router.post("/verify/again", status_code=202, openapi_extra=PUBLIC)
async def verify_again(mailbox: Email, desk: DeskDep) -> Accepted:
    """Send the link that proves an address once more."""
    await desk.limit_mail()
    desk.post_later(desk.accounts.ask_again, mailbox.email)
    return Accepted()


@router.post("/login", openapi_extra=PUBLIC)
async def log_in(credentials: Credentials, desk: DeskDep, response: Response) -> Me:
    """Start a session; its token is in the cookie alone."""
    user = await to_thread.run_sync(
        desk.accounts.log_in, credentials.email, credentials.password, desk.address, limiter=desk.hashing
    )
    token = await to_thread.run_sync(desk.sessions.start, user, desk.address, desk.browser)
    session = await to_thread.run_sync(desk.sessions.find, token)
    assert session is not None  # noqa: S101 - it was started a moment ago
    give_cookie(response, desk.settings, token)
    return _me(session)


@router.post("/logout", status_code=204)
async def log_out(session: SessionDep, desk: DeskDep, response: Response) -> None:
    """End this session."""
    await to_thread.run_sync(desk.sessions.end, session.user, session.id)
    take_cookie(response, desk.settings)


@router.post("/password/forgotten", status_code=202, openapi_extra=PUBLIC)
async def forgotten(mailbox: Email, desk: DeskDep) -> Accepted:
    """Send a link that sets a new password, to addresses with an account."""
    await desk.limit_mail()
    desk.post_later(desk.accounts.forgotten, mailbox.email)
    return Accepted()


@router.post("/password/reset", status_code=204, openapi_extra=PUBLIC, responses=NO_LINK)
async def reset(change: Reset, desk: DeskDep) -> None:
    """Set a password by the secret of a link; every session of the person ends."""
    desk.post(await to_thread.run_sync(desk.accounts.reset, change.token, change.password, limiter=desk.hashing))


@router.post("/password", status_code=204)
async def change_password(change: ChangedPassword, session: SessionDep, desk: DeskDep) -> None:
    """Set another password; every other session ends."""
    mail = await to_thread.run_sync(
        desk.accounts.change_password, session.user, change.old, change.new, session.id, limiter=desk.hashing
    )
    desk.post(mail)


@router.get("/me")
async def me(session: SessionDep) -> Me:
    """Who is logged in."""
    return _me(session)


@router.patch("/me")
async def change_profile(profile: Profile, session: SessionDep, desk: DeskDep) -> Me:
    """Change one's name."""
    user = await to_thread.run_sync(desk.accounts.rename, session.user, profile.name)
    return _me(Session(session.id, user, session.csrf))


@router.post("/me/delete", status_code=204)
async def delete_me(confirmation: Confirmation, session: SessionDep, desk: DeskDep, response: Response) -> None:
    """Delete the account; an organisation's last owner hands it over or deletes it before."""
    await to_thread.run_sync(desk.accounts.confirm, session.user, confirmation.password, limiter=desk.hashing)
    await to_thread.run_sync(desk.organisations.leave_all, session.user, desk.address, desk.accounts.delete)
    take_cookie(response, desk.settings)


@router.get("/sessions")
async def list_sessions(session: SessionDep, desk: DeskDep) -> list[SessionState]:
    """One's live sessions, the newest first."""
    records = await to_thread.run_sync(desk.sessions.of, session.user)
    states = [SessionState.model_validate(record) for record in records]
    return [state.model_copy(update={"current": state.id == session.id}) for state in states]


@router.delete("/sessions/{identifier}", status_code=204)
async def end_session(identifier: Identifier, session: SessionDep, desk: DeskDep) -> None:
    """End one of one's sessions."""
    await to_thread.run_sync(desk.sessions.end, session.user, identifier)
