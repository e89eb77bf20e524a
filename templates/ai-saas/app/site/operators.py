"""Pages for who runs the service: organisations, what they use and cost, features. Others find nothing here.

Counts and names alone: operators read no organisation's documents, questions or comments here.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.accounts.access import OperatorDep, address_of
from app.billing.invoices import month_bounds
from app.billing.plans import Kind
from app.errors import InvalidInput, NotFound
from app.evals.answers import AnswerLog
from app.evals.meanings import MEANINGS
from app.evals.records import read_history
from app.llm.spending import ledger
from app.operations.flags import EVERYBODY, FLAGS, flags_of
from app.organisations.audit import PERSON, Actor
from app.organisations.tables import members, organisations
from app.site.account import FORM_BYTES
from app.site.billing import SHOWN, dollars, this_month
from app.site.failures import PRIVATE, PageRoute
from app.site.frame import SAID, FieldsDep
from app.tenancy.scope import OrganisationScope, Role
from app.web.pages import render

router = APIRouter(
    prefix="/admin",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    max_body_size=FORM_BYTES,
)
MOST = 25  # organisations on one page: their plan and usage are read one by one
NANO = 1_000_000_000
STATES = {"on": True, "off": False, "default": None}


@router.get("")
async def admin(request: Request, session: OperatorDep, after: str = "") -> Response:
    """Organisations by name, a page at a time, and the features of all."""
    content = await to_thread.run_sync(service_content, request, after)
    return _page(request, session, "site/admin.html", content)


@router.get("/organisations/{organisation}")
async def one_organisation(organisation: str, request: Request, session: OperatorDep) -> Response:
    """Plan, usage, spend, quality and features of one organisation."""
    content = await to_thread.run_sync(organisation_content, request, organisation)
    return _page(request, session, "site/admin_organisation.html", content)


@router.post("/features/{name}")
async def switch(name: str, request: Request, session: OperatorDep, sent: FieldsDep) -> Response:
    """Switch a feature, for all or for the organisation that the form names."""
    organisation = sent.get("organisation", EVERYBODY)
    flag = next((flag for flag in FLAGS if flag.name == name), None)
    if flag is None or sent.get("state") not in STATES:
        raise InvalidInput("There is no such feature or state.", "Load the page again.")
    scope = OrganisationScope(organisation, session.user.id, Role.VIEWER)
    by = Actor(scope, PERSON + session.user.id, address_of(request))

    def act() -> None:
        if organisation:
            _named(request, organisation)
        flags_of(request).switch(flag, STATES[sent["state"]], by)

    await to_thread.run_sync(act)
    to = f"/admin/organisations/{organisation}" if organisation else "/admin"
    return RedirectResponse(f"{to}?done=feature", 303, PRIVATE)


def service_content(request: Request, after: str) -> dict[str, object]:
    """What the page of the whole service shows."""
    state = request.app.state
    with state.tenants.engine.connect() as connection:
        found = connection.execute(_organisations(after)).all()
        total = connection.execute(sa.select(sa.func.count()).select_from(organisations)).scalar_one()
        people = connection.execute(sa.select(sa.func.count(sa.distinct(members.c.user)))).scalar_one()
        cost = {row.caller: _usd(row.nano_usd) for row in connection.execute(_costs())}
    history, _ = read_history(state.platform.settings.evals_dir)
    flags = flags_of(request)
    flags.read()
    differing = [organisation for flag in FLAGS for organisation in flags.exceptions(flag)]
    return {
        "tenants": [tenant(request, row, cost.get(row.id, Decimal(0))) for row in found[:MOST]],
        "quality": history[-1] if history else None,
        "more": found[MOST - 1].id if len(found) > MOST else "",
        "tiles": [
            {"title": "Organisations", "value": f"{total:,}"},
            {"title": "People", "value": f"{people:,}"},
            {"title": "Model calls this month", "value": f"${sum(cost.values(), Decimal(0)):,.2f}"},
        ],
        "features": [
            {"flag": flag, "on": flags.on(flag), "said": flags.said(flag), "exceptions": flags.exceptions(flag)}
            for flag in FLAGS
        ],
        "changes": flags.changes(),
        "names": _names(request, differing),
    }


def tenant(request: Request, row: sa.Row[Any], cost: Decimal) -> dict[str, object]:
    """One organisation's line."""
    billing, scope = request.app.state.billing, OrganisationScope(row.id, "", Role.VIEWER)
    standings = billing.usage.standing(scope)
    return {
        "id": row.id,
        "name": row.name,
        "members": row.members,
        "plan": billing.subscriptions.plan(scope).title,
        "documents": f"{standings[Kind.DOCUMENTS].used:,}",
        "questions": f"{standings[Kind.QUESTIONS].used:,}",
        "share": standings[Kind.QUESTIONS].share,
        "cost": dollars_of(cost),
    }


def organisation_content(request: Request, organisation: str) -> dict[str, object]:
    """What the page of one organisation shows.

    Raises:
        NotFound: there is no such organisation.
    """
    state, flags = request.app.state, flags_of(request)
    name = _named(request, organisation)
    scope = OrganisationScope(organisation, "", Role.VIEWER)
    standings, platform = state.billing.usage.standing(scope), state.tenants.open(organisation)
    with state.tenants.engine.connect() as connection:
        spent = connection.execute(_features(organisation)).all()
    flags.read()
    return {
        "organisation": {"id": organisation, "name": name},
        "plan": state.billing.subscriptions.plan(scope).title,
        "standings": [
            {
                "title": title,
                "used": kind.amount(standings[kind].used),
                "of": f"of {kind.amount(quota.included)}" if (quota := standings[kind].quota) else "",
                "share": standings[kind].share,
            }
            for kind, title in SHOWN.items()
        ],
        "owed": dollars(state.billing.invoices.invoice(scope, this_month())),
        "spent": [
            {"feature": row.feature, "calls": row.calls, "cost": dollars_of(_usd(row.nano_usd))} for row in spent
        ],
        "cost": dollars_of(sum((_usd(row.nano_usd) for row in spent), Decimal(0))),
        "thumbs": platform.answers.thumbs(),
        "scores": scores(platform.answers, platform.settings.quality.window),
        "features": [
            {"flag": flag, "on": flags.on(flag, organisation), "said": flags.said(flag, organisation)}
            for flag in FLAGS
            if flag.per_organisation
        ],
        "changes": flags.changes(organisation),
    }


def scores(answers: AnswerLog, window: int) -> list[dict[str, object]]:
    """The mean of each metric over the last `window` answers that have a score."""
    found = [(metric, answers.latest(metric, window)) for metric in answers.metrics()]
    return [
        {
            "metric": metric,
            "meaning": MEANINGS.get(metric, ""),
            "answers": len(scored),
            "mean": sum(one.score for one in scored) / len(scored),
        }
        for metric, scored in found
        if scored
    ]


def dollars_of(cost: Decimal) -> str:
    """A sum of money that may be less than a cent."""
    return f"${cost:,.2f}" if not cost or cost >= Decimal("0.01") else "under $0.01"


def _page(request: Request, session: OperatorDep, template: str, content: dict[str, object]) -> HTMLResponse:
    said = SAID.get(request.query_params.get("done", ""), "")
    frame = {"me": session.user, "csrf": session.csrf, "place": "admin", "said": said}
    return HTMLResponse(render(template, request.app.state.platform, **frame, **content), headers=PRIVATE)


def _named(request: Request, organisation: str) -> str:
    """The name of an organisation.

    Raises:
        NotFound: there is none with this id.
    """
    with request.app.state.tenants.engine.connect() as connection:
        query = sa.select(organisations.c.name).where(organisations.c.id == organisation)
        name: str | None = connection.execute(query).scalar()
    if name is None:
        raise NotFound("There is no such organisation.", "The page of operations lists them.")
    return name


def _names(request: Request, identifiers: Sequence[str]) -> dict[str, str]:
    query = sa.select(organisations.c.id, organisations.c.name).where(organisations.c.id.in_(identifiers))
    with request.app.state.tenants.engine.connect() as connection:
        return {row.id: row.name for row in connection.execute(query)}


def _organisations(after: str) -> sa.Executable:
    """Organisations by name with the number of their members, from the one with the id `after` on."""
    count = sa.func.count(members.c.user).label("members")
    joined = organisations.outerjoin(members, members.c.organisation == organisations.c.id)
    query = sa.select(organisations.c.id, organisations.c.name, count).select_from(joined)
    if after:
        last = sa.select(organisations.c.name).where(organisations.c.id == after).scalar_subquery()
        same = sa.and_(organisations.c.name == last, organisations.c.id > after)
        query = query.where(sa.or_(organisations.c.name > last, same))
    query = query.group_by(organisations.c.id, organisations.c.name)
    return query.order_by(organisations.c.name, organisations.c.id).limit(MOST + 1)


def _costs() -> sa.Executable:
    """What each organisation's model calls cost this month, in billionths of a dollar."""
    total = sa.func.sum(ledger.c.nano_usd).label("nano_usd")
    return sa.select(ledger.c.caller, total).where(ledger.c.day >= _first_day()).group_by(ledger.c.caller)


def _features(organisation: str) -> sa.Executable:
    """What an organisation's model calls cost this month, by what they were made for."""
    calls, total = sa.func.sum(ledger.c.calls).label("calls"), sa.func.sum(ledger.c.nano_usd).label("nano_usd")
    query = sa.select(ledger.c.feature, calls, total).where(ledger.c.caller == organisation)
    return query.where(ledger.c.day >= _first_day()).group_by(ledger.c.feature).order_by(total.desc())


def _first_day() -> date:
    return month_bounds(this_month())[0].date()


def _usd(nano: int) -> Decimal:
    return Decimal(nano) / NANO
