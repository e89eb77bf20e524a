"""What an organisation owes for a month, from the ledger alone: it needs no Stripe, and shows what Stripe will say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.billing.plans import Kind, Plan, Plans
from app.billing.subscriptions import Subscriptions
from app.billing.tables import usage_events
from app.errors import InvalidInput
from app.tenancy.scope import OrganisationScope, of_organisation

CENT = Decimal("0.01")
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
TOTALS = (
    sa.select(usage_events.c.kind, sa.func.sum(usage_events.c.quantity).label("quantity"))
    .where(
        usage_events.c.organisation == sa.bindparam("of"),
        usage_events.c.day >= sa.bindparam("first", type_=sa.Date),
        usage_events.c.day < sa.bindparam("end", type_=sa.Date),
    )
    .group_by(usage_events.c.kind)
)


@dataclass(frozen=True)
class InvoiceLine:
    """One line; prices in US dollars, the amount in whole cents."""

    title: str
    quantity: int
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Invoice:
    """What a month costs, without tax; `final` is False while the month goes on."""

    organisation: str
    month: str
    final: bool
    lines: tuple[InvoiceLine, ...]

    @property
    def total(self) -> Decimal:
        """The sum of the lines, in US dollars."""
        return sum((line.amount for line in self.lines), Decimal("0.00"))


@dataclass(frozen=True)
class Stretch:
    """A plan was in force from `start` to `end`, both within the month of the invoice."""

    plan: Plan
    start: datetime
    end: datetime


class Invoices:
    """Invoices of all organisations of one database."""

    def __init__(self, engine: Engine, plans: Plans) -> None:
        self._engine = engine
        self._plans = plans
        self._subscriptions = Subscriptions(engine, plans)

    def invoice(self, scope: OrganisationScope, month: str) -> Invoice:
        """The invoice of a month written `2026-11`.

        Each plan is charged for the time it was in force, as Stripe does it. What is included is that of the most
        generous of them, and it is not cut when it was in force for a part of the month only.

        Raises:
            InvalidInput: that is no month.
        """
        start, end = month_bounds(month)
        stretches = self._stretches(scope, start, end)
        used = self._used(scope, start.date(), end.date())
        lines = [*_fees(stretches, end - start), *_overages([stretch.plan for stretch in stretches], used)]
        return Invoice(scope.organisation, month, datetime.now(UTC) >= end, tuple(lines))

    def _stretches(self, scope: OrganisationScope, start: datetime, end: datetime) -> list[Stretch]:
        """Which plan was in force when, without gaps; what lasted no time is left out."""
        plan, marks = self._plans.first, [(start, self._plans.first)]
        for change in self._subscriptions.history(scope, end):
            plan = change.plan
            marks.append((max(change.since, start), plan))
        marks.append((end, plan))
        return [Stretch(plan, since, until) for (since, plan), (until, _) in pairwise(marks) if since < until]

    def _used(self, scope: OrganisationScope, first: date, end: date) -> dict[Kind, int]:
        with of_organisation(self._engine, scope.organisation).connect() as connection:
            rows = connection.execute(TOTALS, {"of": scope.organisation, "first": first, "end": end}).all()
        return {row.kind: int(row.quantity) for row in rows}


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month and the first one after it, in UTC.

    Raises:
        InvalidInput: that is no month.
    """
    if not MONTH.fullmatch(month):
        raise InvalidInput(f"{month!r} is no month.", "Write it as 2026-11.")
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return start, (start + timedelta(days=31)).replace(day=1)


def cents(amount: Decimal) -> Decimal:
    """An amount in whole cents, halves upwards."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def _fees(stretches: list[Stretch], month: timedelta) -> Iterator[InvoiceLine]:
    for stretch in stretches:
        share = Decimal((stretch.end - stretch.start) / timedelta(seconds=1)) / int(month.total_seconds())
        last = stretch.end - timedelta(microseconds=1)
        days = "" if share == 1 else f", day {stretch.start.day} to {last.day}"
        yield InvoiceLine(f"Plan {stretch.plan.title}{days}", 1, stretch.plan.price, cents(stretch.plan.price * share))


def _overages(plans: list[Plan], used: dict[Kind, int]) -> Iterator[InvoiceLine]:
    """What went beyond the included quantity of the most generous plan, and, at no price, what it included."""
    for kind in (kind for kind in Kind if kind.monthly):
        quotas = [plan.quotas[kind] for plan in plans if kind in plan.quotas]
        if len(quotas) < len(plans):  # one of the plans has no limit
            continue
        quota = max(quotas, key=lambda quota: quota.included)
        beyond = max(used.get(kind, 0) - quota.included, 0)
        within = used.get(kind, 0) - beyond
        title = kind.value.capitalize()
        yield InvoiceLine(f"{title} included, of {quota.included:,}", within, Decimal(0), Decimal("0.00"))
        if beyond and quota.overage is not None:
            yield InvoiceLine(f"{title} beyond", beyond, quota.overage, cents(beyond * quota.overage))
