"""What the usage page shows: how the organisation stands, and what it used on each of the last days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.billing.plans import Kind, Plan
from app.billing.tables import usage_events
from app.billing.usage import Standing
from app.tenancy.scope import OrganisationScope, of_organisation

DAYS = 30
DAILY = (
    sa.select(usage_events.c.day, usage_events.c.kind, sa.func.sum(usage_events.c.quantity).label("quantity"))
    .where(
        usage_events.c.organisation == sa.bindparam("of"), usage_events.c.day >= sa.bindparam("first", type_=sa.Date)
    )
    .group_by(usage_events.c.day, usage_events.c.kind)
)


@dataclass(frozen=True)
class UsageReport:
    """`series` holds for each kind of a month what was used on each of `days`, oldest first."""

    plan: Plan
    standings: Mapping[Kind, Standing]
    days: tuple[date, ...]
    series: Mapping[Kind, tuple[int, ...]]


def daily_usage(engine: Engine, scope: OrganisationScope) -> tuple[tuple[date, ...], dict[Kind, tuple[int, ...]]]:
    """The last days up to today (UTC), and what was used on each of them."""
    today = datetime.now(UTC).date()
    days = tuple(today - timedelta(days=ago) for ago in reversed(range(DAYS)))
    with of_organisation(engine, scope.organisation).connect() as connection:
        rows = connection.execute(DAILY, {"of": scope.organisation, "first": days[0]}).all()
    used = {(row.day, row.kind): int(row.quantity) for row in rows}
    kinds = [kind for kind in Kind if kind.monthly]
    return days, {kind: tuple(used.get((day, kind), 0) for day in days) for kind in kinds}
