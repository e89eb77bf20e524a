"""The page for who runs the service: organisations with plan, usage, revenue and cost. Others find nothing here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from app.accounts.access import OperatorDep
from app.billing.invoices import month_bounds
from app.billing.plans import Kind
from app.billing.service import Billing
from app.evals.records import read_history
from app.llm.spending import ledger
from app.organisations.tables import members, organisations
from app.site.billing import this_month
from app.site.failures import PRIVATE, PageRoute
from app.tenancy.scope import OrganisationScope, Role
from app.web.pages import render

router = APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)
MOST = 50  # organisations on one page
NANO = 1_000_000_000


@router.get("/admin")
async def admin(request: Request, session: OperatorDep, after: str = "") -> Response:
    """Organisations by name, a page at a time."""
    content = await to_thread.run_sync(read, request, after)
    page = render("site/admin.html", request.app.state.platform, me=session.user, place="admin", **content)
    return HTMLResponse(page, headers=PRIVATE)


def read(request: Request, after: str) -> dict[str, object]:
    """What the page shows. Counts and names alone: operators read no organisation's documents here."""
    state = request.app.state
    engine, billing = state.tenants.engine, state.billing
    with engine.connect() as connection:
        found = connection.execute(_organisations(after)).all()
        total = connection.execute(sa.select(sa.func.count()).select_from(organisations)).scalar_one()
        people = connection.execute(sa.select(sa.func.count(sa.distinct(members.c.user)))).scalar_one()
        cost = {row.caller: Decimal(row.nano_usd) / NANO for row in connection.execute(_costs())}
    history, _ = read_history(state.platform.settings.evals_dir)
    tenants = [tenant(billing, row, cost.get(row.id, Decimal(0))) for row in found[:MOST]]
    return {
        "tenants": tenants,
        "quality": history[-1] if history else None,
        "more": found[MOST - 1].name if len(found) > MOST else "",
        "tiles": tiles(total, people, tenants, sum(cost.values(), Decimal(0))),
    }


def tenant(billing: Billing, row: sa.Row[Any], cost: Decimal) -> dict[str, object]:
    """One organisation's line."""
    scope = OrganisationScope(row.id, "", Role.VIEWER)
    standings = billing.usage.standing(scope)
    return {
        "id": row.id,
        "name": row.name,
        "members": row.members,
        "plan": billing.subscriptions.plan(scope).title,
        "documents": f"{standings[Kind.DOCUMENTS].used:,}",
        "questions": f"{standings[Kind.QUESTIONS].used:,}",
        "owed": billing.invoices.invoice(scope, this_month()).total,
        "cost": f"${cost:,.2f}",
    }


def tiles(total: int, people: int, tenants: Sequence[dict[str, object]], cost: Decimal) -> list[dict[str, str]]:
    """The numbers above the table."""
    owed = sum((Decimal(str(one["owed"])) for one in tenants), Decimal(0))
    return [
        {"title": "Organisations", "value": f"{total:,}", "of": ""},
        {"title": "People", "value": f"{people:,}", "of": ""},
        {"title": "Owed this month, on this page", "value": f"${owed:,.2f}", "of": ""},
        {"title": "Model cost this month", "value": f"${cost:,.2f}", "of": ""},
    ]


def _organisations(after: str) -> sa.Executable:
    """Organisations by name with the number of their members."""
    count = sa.func.count(members.c.user).label("members")
    joined = organisations.outerjoin(members, members.c.organisation == organisations.c.id)
    query = sa.select(organisations.c.id, organisations.c.name, count).select_from(joined)
    query = query.where(organisations.c.name > after).group_by(organisations.c.id, organisations.c.name)
    return query.order_by(organisations.c.name, organisations.c.id).limit(MOST + 1)


def _costs() -> sa.Executable:
    """What each organisation's model calls cost this month, in billionths of a dollar."""
    first = month_bounds(f"{datetime.now(UTC):%Y-%m}")[0].date()
    total = sa.func.sum(ledger.c.nano_usd).label("nano_usd")
    return sa.select(ledger.c.caller, total).where(ledger.c.day >= first).group_by(ledger.c.caller)
