"""Pages of the bill: usage as a chart, plans, and what each month costs."""

from datetime import UTC, date, datetime, timedelta

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from app.billing import routes as calls
from app.billing.invoices import Invoice, InvoiceLine, month_bounds
from app.billing.plans import Kind, money
from app.billing.routes import BillingDep
from app.billing.service import Billing
from app.errors import AppError
from app.organisations.access import require_role
from app.site.account import FORM_BYTES
from app.site.failures import PageRoute
from app.site.figures import bar_chart
from app.site.frame import FieldsDep, Page, Visit, VisitDep
from app.site.public import offered
from app.tenancy.scope import Role

router = APIRouter(
    prefix="/o/{organisation}/billing",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(require_role(Role.VIEWER))],
    max_body_size=FORM_BYTES,
)
ADMINS = [Depends(require_role(Role.ADMIN))]
OWNERS = [Depends(require_role(Role.OWNER))]
SHOWN = {
    Kind.QUESTIONS: "Questions",
    Kind.DOCUMENTS: "Documents",
    Kind.STORAGE_BYTES: "Stored",
    Kind.MEMBERS: "Members",
}
MONTHS = 6  # invoices that the page leads to


@router.get("")
async def usage(visit: VisitDep) -> Response:
    """What is used, and the plans."""
    return visit.show(await usage_page(visit))


async def usage_page(visit: Visit) -> Page:
    """Usage, the chart and the plans."""
    billing: Billing = visit.request.app.state.billing

    def read() -> dict[str, object]:
        report = billing.usage_page(visit.access.scope)
        plans = offered(billing.plans)
        month = this_month()
        return {
            "plan": next(plan for plan in plans if plan["id"] == report.plan.name),
            "plans": plans,
            "standings": [
                {"title": title, "share": report.standings[kind].share, "used": used["value"], "of": used["of"]}
                for kind, title in SHOWN.items()
                if (used := visit.used(kind))
            ],
            "chart": bar_chart(report.days, report.series[Kind.QUESTIONS]),
            "month": month,
            "total": dollars(billing.invoices.invoice(visit.access.scope, month)),
            "charged": billing.gateway is not None,
            "portal": billing.gateway is not None and visit.may.owner,
        }

    return Page("site/billing.html", "Usage and plan", await to_thread.run_sync(read))


@router.post("/plan", dependencies=OWNERS)
async def change_plan(request: Request, visit: VisitDep, sent: FieldsDep, billing: BillingDep) -> Response:
    """Change the plan; where money is taken, lead to where it is paid."""
    ways: list[str] = []

    async def act() -> None:
        choice = calls.PlanChoice.model_validate({"plan": sent.get("plan", "")})
        way = await calls.choose_plan(choice, request, visit.access, billing)
        ways.extend([way.url] if way.url else [])

    answer = await visit.attempt(act(), usage_page, "/billing?done=plan")
    return lead_to_payment(visit, ways[0]) if ways else answer


@router.post("/portal", dependencies=OWNERS)
async def portal(request: Request, visit: VisitDep, billing: BillingDep) -> Response:
    """To the payment provider's page for cards and receipts."""
    try:
        way = await calls.open_portal(request, visit.access, billing)
    except AppError as error:
        return visit.show(await usage_page(visit), str(error), error.status)
    return lead_to_payment(visit, way.url) if way.url else visit.go("/billing")


def lead_to_payment(visit: Visit, address: str) -> Response:
    """A page with a link: this service's policy lets no form lead to another site, not even by a redirect."""
    content = {
        "text": "Payments are made at our payment provider. You come back here afterwards.",
        "link": {"address": address, "label": "Go to the payment page"},
    }
    return visit.show(Page("site/message.html", "Almost there", content))


@router.get("/invoices/{month}", dependencies=ADMINS)
async def invoice(month: str, visit: VisitDep, billing: BillingDep) -> Response:
    """What a month costs, line by line."""
    found = await to_thread.run_sync(billing.invoices.invoice, visit.access.scope, month)
    content = {
        "month": month,
        "month_name": month_name(month),
        "open": not found.final,
        "charged": billing.gateway is not None,
        "lines": [told(line) for line in found.lines],
        "total": dollars(found),
        "months": last_months(datetime.now(UTC).date()),
    }
    return visit.show(Page("site/invoice.html", f"Invoice of {month_name(month)}", content))


def told(line: InvoiceLine) -> dict[str, str]:
    """A line as the page shows it."""
    return {
        "title": line.title,
        "quantity": f"{line.quantity:,}",
        "price": money(line.unit_price),
        "amount": f"${line.amount:,.2f}",
    }


def dollars(found: Invoice) -> str:
    """What the month comes to."""
    return f"${found.total:,.2f}"


def month_name(month: str) -> str:
    """Such as November 2026."""
    return f"{month_bounds(month)[0]:%B %Y}"


def this_month() -> str:
    """The month that goes on, such as 2026-11."""
    return f"{datetime.now(UTC):%Y-%m}"


def last_months(today: date) -> list[str]:
    """This month and the ones before it, the newest first."""
    months, first = [], today.replace(day=1)
    for _ in range(MONTHS):
        months.append(f"{first:%Y-%m}")
        first = (first - timedelta(days=1)).replace(day=1)
    return months
