"""What stands around a page of the workspace: who looks at it, where else one can go, what is left of the plan."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.accounts.access import SessionDep
from app.accounts.sessions import Session
from app.billing.plans import Kind, Plan
from app.billing.usage import Standing
from app.errors import AppError, NotFound
from app.operations.flags import FLAGS, TOOLS
from app.organisations.access import Access, AccessDep
from app.organisations.audit import Actor
from app.organisations.members import Membership
from app.site.failures import PRIVATE, words
from app.tenancy.scope import Role
from app.web.pages import render
from app.workspace.flavour import chosen

# What a page says after something worked; the address carries the word, never the text.
SAID = {
    "saved": "Saved.",
    "invited": "The invitation is on its way.",
    "withdrawn": "The invitation is taken back.",
    "role": "The role is changed.",
    "removed": "The member is removed.",
    "revoked": "The key is revoked.",
    "password": "The password is changed; every other session has ended.",
    "ended": "That session has ended.",
    "deleted": "Deleted.",
    "unshared": "The link shows nothing any more.",
    "plan": "The plan is changed.",
    "samples": "The sample documents are being read.",
    "joined": "Welcome to the organisation.",
    "received": "Your files are being read.",
    "feature": "The feature is switched.",
}


@dataclass(frozen=True)
class Entry:
    """One line of the navigation."""

    label: str
    address: str
    icon: str


@dataclass(frozen=True)
class Group:
    """Lines of the navigation that belong together."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class May:
    """What the reader's role allows; the calls check it again."""

    write: bool
    admin: bool
    owner: bool


@dataclass(frozen=True)
class Page:
    """A template and what it shows."""

    template: str
    heading: str
    content: Mapping[str, object]


@dataclass(frozen=True)
class Visit:
    """One look at a page of an organisation."""

    request: Request
    session: Session
    access: Access
    organisations: Sequence[Membership]
    plan: Plan
    standings: Mapping[Kind, Standing]
    features: Mapping[str, bool]

    @property
    def root(self) -> str:
        """The address that the pages of this organisation begin with."""
        return f"/o/{self.access.scope.organisation}"

    @property
    def actor(self) -> Actor:
        """The reader, as the audit log knows one."""
        return Actor(self.access.scope, self.access.caller, self.access.address)

    @property
    def may(self) -> May:
        """What the reader's role allows."""
        role = self.access.scope.role
        return May(role.covers(Role.MEMBER), role.covers(Role.ADMIN), role.covers(Role.OWNER))

    def used(self, kind: Kind) -> dict[str, str]:
        """How much of a kind is used, and of how much."""
        standing = self.standings[kind]
        limit = f"of {kind.amount(standing.quota.included)}" if standing.quota else ""
        return {"value": kind.amount(standing.used), "of": limit}

    def room(self, kind: Kind) -> str:
        """The same in one line: `3 of 20 documents`."""
        used = self.used(kind)
        noun = "" if kind is Kind.STORAGE_BYTES else f" {kind.value}"
        return f"{used['value']} {used['of']}".strip() + noun

    def show(self, page: Page, wrong: str = "", status: int = 200) -> HTMLResponse:
        """The page in its frame."""
        return HTMLResponse(self.html(page, wrong), status, PRIVATE)

    def html(self, page: Page, wrong: str = "") -> str:
        """The text of the page in its frame; a template without a frame takes from it what it needs."""
        organisation = next(one for one in self.organisations if one.id == self.access.scope.organisation)
        frame = {
            "heading": page.heading,
            "org": organisation,
            "role": organisation.role.value,
            "organisations": self.organisations,
            "root": self.root,
            "here": self.request.url.path,
            "me": self.session.user,
            "csrf": self.session.csrf,
            "may": self.may,
            "features": self.features,
            "navigation": navigation(self.root, self.may, self.session.user.operator, self.features[TOOLS.name]),
            "quota": quota(self.plan, self.standings[Kind.QUESTIONS]),
            "said": SAID.get(self.request.query_params.get("done", ""), "") if not wrong else "",
            "wrong": wrong,
        }
        return render(page.template, self.access.platform, **{**frame, **page.content})

    async def attempt(self, action: Awaitable[object], back: Callable[["Visit"], Awaitable[Page]], to: str) -> Response:
        """Do something, then go to `to` below this organisation; where it fails show `back` with the reason."""
        try:
            await action
        except (AppError, ValidationError) as error:
            status = error.status if isinstance(error, AppError) else 422
            return self.show(await back(self), words(error), status)
        return self.go(to)

    async def again(self) -> "Visit":
        """The same look after something was used."""
        usage, scope = self.request.app.state.billing.usage, self.access.scope
        return replace(self, standings=await to_thread.run_sync(usage.standing, scope))

    def go(self, to: str) -> Response:
        """Let the browser load another page of this organisation."""
        return RedirectResponse(self.root + to, 303, PRIVATE)


async def visit(request: Request, session: SessionDep, access: AccessDep) -> Visit:
    """Who looks at a page of the organisation in the path.

    Raises:
        Unauthorized: nobody is logged in.
        NotFound: there is no such organisation, or it is none of the reader's.
    """

    def gather() -> Visit:
        state, scope = request.app.state, access.scope
        organisations = state.organisations.of(session.user.id)
        if scope.organisation not in {one.id for one in organisations}:  # it ended a moment ago
            raise NotFound("There is no such organisation.", "Choose another.")
        billing = state.billing
        plan, standings = billing.subscriptions.plan(scope), billing.usage.standing(scope)
        features = {flag.name: state.flags.on(flag, scope.organisation) for flag in FLAGS}
        return Visit(request, session, access, organisations, plan, standings, features)

    return await to_thread.run_sync(gather)


VisitDep = Annotated[Visit, Depends(visit)]


async def fields(request: Request) -> dict[str, str]:
    """What a form sent, files left out; of a field that came twice the last one."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


FieldsDep = Annotated[dict[str, str], Depends(fields)]


def navigation(root: str, may: May, operator: bool, with_tools: bool) -> list[Group]:
    """Where this reader can go."""
    work = [
        Entry("Overview", root, "home"),
        Entry("Documents", f"{root}/documents", "document"),
        Entry("Ask", f"{root}/ask", "chat"),
        Entry("History", f"{root}/history", "history"),
    ]
    tools = [Entry(tool.title, f"{root}/tools/{tool.name}", "tool") for tool in chosen().tools if with_tools]
    manage = [Entry("Members", f"{root}/members", "people")]
    if may.admin:
        manage += [
            Entry("Feedback", f"{root}/feedback", "quote"),
            Entry("API keys", f"{root}/keys", "key"),
            Entry("Audit log", f"{root}/audit", "list"),
        ]
    manage += [Entry("Usage and plan", f"{root}/billing", "chart"), Entry("Settings", f"{root}/settings", "settings")]
    groups = [Group("", tuple(work)), Group("Tools", tuple(tools)), Group("Organisation", tuple(manage))]
    if operator:
        groups.append(Group("Service", (Entry("Operations", "/admin", "shield"),)))
    return [group for group in groups if group.entries]


def quota(plan: Plan, standing: Standing) -> dict[str, object] | None:
    """How much of this month's questions is used; None for a plan without a limit."""
    if standing.quota is None:
        return None
    text = f"{standing.used:,} of {standing.quota.included:,}"
    over = standing.left == 0
    return {"title": "Questions", "text": text, "share": standing.share, "plan": plan.title, "over": over}
