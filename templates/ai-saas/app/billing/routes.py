"""HTTP calls on usage and billing: how an organisation stands, its plan, its invoices, and what Stripe has to say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import structlog
from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from app.accounts.access import PUBLIC
from app.billing.invoices import Invoice
from app.billing.outbox import Outbox, watch_outbox
from app.billing.plans import Kind, Plan
from app.billing.service import Billing
from app.billing.usage import Standing
from app.bootstrap import Platform
from app.organisations.access import Access, AccessDep, require_role
from app.tenancy.scope import Role
from app.tenancy.tenants import Tenants

MONTH = r"^20\d\d-(0[1-9]|1[0-2])$"

log = structlog.get_logger()


@asynccontextmanager
async def tell_stripe(app: FastAPI) -> AsyncIterator[None]:
    """Empty the outbox every now and then, for as long as this process serves."""
    billing: Billing = app.state.billing
    if billing.outbox is None:
        yield
        return
    seconds = app.state.platform.settings.billing.outbox_seconds
    telling = asyncio.create_task(_deliver_for_ever(billing.outbox, seconds))
    yield
    telling.cancel()
    with suppress(asyncio.CancelledError):
        await telling


router = APIRouter(prefix="/organisations/{organisation}", tags=["billing"], lifespan=tell_stripe)
stripe_router = APIRouter(tags=["billing"])


class StandingBody(BaseModel):
    """How much of a kind is used. `included` and `most` are null where the plan has no limit."""

    kind: Kind
    used: int
    included: int | None
    most: int | None
    share: float
    near: bool


class UsageBody(BaseModel):
    """Usage now, and of each of the last days, oldest first."""

    plan: str
    standings: list[StandingBody]
    days: list[date]
    series: dict[Kind, list[int]]


class PlanBody(BaseModel):
    """A plan that is sold; `price` in US dollars a month."""

    name: str
    title: str
    price: Decimal
    quotas: dict[Kind, dict[str, Any]]


class BillingBody(BaseModel):
    """The plan in force, all plans, and whether money is taken (by Stripe) at all."""

    plan: str
    plans: list[PlanBody]
    payments: bool


class InvoiceLineBody(BaseModel):
    """One line, in US dollars."""

    model_config = ConfigDict(from_attributes=True)

    title: str
    quantity: int
    unit_price: Decimal
    amount: Decimal


class InvoiceBody(BaseModel):
    """A month's invoice, a preview until the month is over."""

    model_config = ConfigDict(from_attributes=True)

    month: str
    final: bool
    lines: list[InvoiceLineBody]
    total: Decimal


class PlanChoice(BaseModel):
    """The plan to change to."""

    model_config = ConfigDict(extra="forbid")

    plan: Annotated[str, Field(pattern=r"^[a-z]{1,20}$", examples=["team"])]


class WayToPay(BaseModel):
    """Where the change is made; null when it is done already."""

    url: str | None


class Received(BaseModel):
    """Whether the event was new."""

    applied: bool


def get_billing(request: Request) -> Billing:
    """Billing, opened when the application started."""
    billing: Billing = request.app.state.billing
    return billing


BillingDep = Annotated[Billing, Depends(get_billing)]


def mount(app: FastAPI, platform: Platform, tenants: Tenants) -> None:
    """Add these calls to the application, and Stripe's where it is set up."""
    app.state.billing = Billing(tenants.engine, platform.settings.billing)
    watch_outbox(platform.telemetry, app.state.billing.outbox)
    app.include_router(router, prefix="/v1")
    if app.state.billing.gateway:
        app.include_router(stripe_router, prefix="/v1")


@router.get("/usage", dependencies=[Depends(require_role(Role.VIEWER))])
async def usage(access: AccessDep, billing: BillingDep) -> UsageBody:
    """How the organisation stands with its quotas, and what it used on each of the last 30 days."""
    report = await to_thread.run_sync(billing.usage_page, access.scope)
    return UsageBody(
        plan=report.plan.name,
        standings=[_standing(standing) for standing in report.standings.values()],
        days=list(report.days),
        series={kind: list(values) for kind, values in report.series.items()},
    )


@router.get("/billing", dependencies=[Depends(require_role(Role.ADMIN))])
async def billing_overview(access: AccessDep, billing: BillingDep) -> BillingBody:
    """The plan in force, and what the others cost."""
    plan = await to_thread.run_sync(billing.subscriptions.plan, access.scope)
    plans = [_plan(each) for each in billing.plans.plans]
    return BillingBody(plan=plan.name, plans=plans, payments=billing.gateway is not None)


@router.get("/billing/invoices/{month}", response_model=InvoiceBody, dependencies=[Depends(require_role(Role.ADMIN))])
async def invoice(
    month: Annotated[str, Path(pattern=MONTH, examples=["2026-11"])], access: AccessDep, billing: BillingDep
) -> Invoice:
    """What a month costs by our own ledger, without tax."""
    return await to_thread.run_sync(billing.invoices.invoice, access.scope, month)


@router.post("/billing/plan", dependencies=[Depends(require_role(Role.OWNER))])
async def choose_plan(choice: PlanChoice, request: Request, access: AccessDep, billing: BillingDep) -> WayToPay:
    """Change the plan: at once where no money is taken, else at the address that this answers."""
    url = await to_thread.run_sync(billing.choose, access.scope, choice.plan, _page(request, access))
    audit = request.app.state.audit
    await to_thread.run_sync(audit.write, access.actor, "plan.chosen", choice.plan)
    return WayToPay(url=url)


@router.post("/billing/portal", dependencies=[Depends(require_role(Role.OWNER))])
async def open_portal(request: Request, access: AccessDep, billing: BillingDep) -> WayToPay:
    """The page of the payment provider where card and plan are changed."""
    return WayToPay(url=await to_thread.run_sync(billing.portal, access.scope, _page(request, access)))


@stripe_router.post("/webhooks/stripe", openapi_extra=PUBLIC)
async def stripe_webhook(
    request: Request, billing: BillingDep, stripe_signature: Annotated[str, Header(max_length=1000)]
) -> Received:
    """An event that Stripe signed. Delivered twice or late it does no harm."""
    body = await request.body()
    if billing.gateway is None or billing.webhooks is None:
        return Received(applied=False)
    event = billing.gateway.read(body, stripe_signature)
    return Received(applied=await to_thread.run_sync(billing.webhooks.apply, event))


def _page(request: Request, access: Access) -> str:
    """Where people come back to from the payment provider: never an address that the request names."""
    base: str = request.app.state.platform.settings.accounts.base_url
    return f"{base}/o/{access.scope.organisation}/billing"


def _standing(standing: Standing) -> StandingBody:
    quota = standing.quota
    return StandingBody(
        kind=standing.kind,
        used=standing.used,
        included=quota.included if quota else None,
        most=quota.most if quota else None,
        share=round(standing.share, 4),
        near=standing.near,
    )


def _plan(plan: Plan) -> PlanBody:
    quotas = {kind: quota.model_dump(mode="json") for kind, quota in plan.quotas.items()}
    return PlanBody(name=plan.name, title=plan.title, price=plan.price, quotas=quotas)


async def _deliver_for_ever(outbox: Outbox, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            # A stop need not wait for Stripe: what it interrupts is told again.
            done = await to_thread.run_sync(outbox.deliver, abandon_on_cancel=True)
        except Exception:
            log.warning("usage is not reported, the next round tries again", exc_info=True)
            continue
        if done.held:
            log.error("events of usage wait for a person: see docs/payments.md", held=done.held)
