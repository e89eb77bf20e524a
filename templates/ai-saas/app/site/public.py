"""Pages for everybody: prices, and conversations that were shared by a link."""

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from app.accounts.access import OptionalSessionDep
from app.billing.plans import Kind, Plan, Plans, Quota, money
from app.site.failures import PRIVATE, PageRoute
from app.web.pages import REVALIDATE, render
from app.workspace.chat import shared_conversation

router = APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)
RECOMMENDED = 1  # the place of the plan that the page recommends


@router.get("/pricing")
async def pricing(request: Request, session: OptionalSessionDep) -> HTMLResponse:
    """What each plan costs and allows."""
    plans = offered(request.app.state.billing.plans)
    page = render(
        "site/pricing.html",
        request.app.state.platform,
        place="pricing",
        plans=plans,
        me=session.user if session else None,
    )
    return HTMLResponse(page, headers=REVALIDATE)


@router.get("/shared/{token}")
async def shared(token: str, request: Request) -> HTMLResponse:
    """A conversation, for whoever has its link."""
    told = await to_thread.run_sync(shared_conversation, request, token)
    page = render("site/shared.html", request.app.state.platform, heading=told.title, turns=told.turns)
    return HTMLResponse(page, headers={**PRIVATE, "X-Robots-Tag": "noindex"})


def offered(plans: Plans) -> list[dict[str, object]]:
    """The plans as pages show them, cheapest first."""
    return [
        {
            "id": plan.name,
            "rank": rank,
            "title": plan.title,
            "price": money(plan.price),
            "free": not plan.price,
            "featured": rank == RECOMMENDED,
            "lines": lines(plan),
        }
        for rank, plan in enumerate(plans.plans)
    ]


def lines(plan: Plan) -> list[str]:
    """What a plan includes, one line for each kind that it limits."""
    return [line for kind, quota in plan.quotas.items() for line in _lines(kind, quota)]


def _lines(kind: Kind, quota: Quota) -> list[str]:
    period = " a month" if kind.monthly else ""
    noun = "of documents" if kind is Kind.STORAGE_BYTES else kind.value
    told = [f"{kind.amount(quota.included)} {noun}{period}"]
    if quota.overage is not None:
        told.append(f"then {money(quota.overage)} for each further one, up to {quota.most:,}{period}")
    return told
