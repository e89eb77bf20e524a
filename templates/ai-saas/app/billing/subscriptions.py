"""Which plan an organisation has, and had: a history that is only added to."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.billing.plans import Plan, Plans
from app.billing.tables import plan_changes
from app.errors import InvalidInput
from app.stores.database import insert_or_update
from app.tenancy.scope import OrganisationScope, of_organisation

NEWEST = (
    sa.select(plan_changes.c.plan)
    .where(plan_changes.c.organisation == sa.bindparam("of"))
    .order_by(plan_changes.c.since.desc())
    .limit(1)
)


@dataclass(frozen=True)
class PlanChange:
    """From `since` on this plan was in force."""

    since: datetime
    plan: Plan


class Subscriptions:
    """The plans of all organisations."""

    def __init__(self, engine: Engine, plans: Plans) -> None:
        self._engine = engine
        self._plans = plans

    def plan(self, scope: OrganisationScope) -> Plan:
        """The plan in force."""
        with of_organisation(self._engine, scope.organisation).connect() as connection:
            return plan_in_force(connection, self._plans, scope.organisation)

    def named(self, name: str) -> Plan:
        """The plan called so.

        Raises:
            InvalidInput: there is no such plan.
        """
        plan = self._plans.named(name)
        if plan is None:
            names = ", ".join(each.name for each in self._plans.plans)
            raise InvalidInput(f"There is no plan {name!r}.", f"Choose one of {names}.")
        return plan

    def change(self, scope: OrganisationScope, name: str) -> Plan:
        """Put the plan called `name` in force from now on.

        Raises:
            InvalidInput: there is no such plan.
        """
        plan = self.named(name)
        with of_organisation(self._engine, scope.organisation).begin() as connection:
            record_change(connection, scope.organisation, datetime.now(UTC), plan)
        return plan

    def history(self, scope: OrganisationScope, until: datetime) -> list[PlanChange]:
        """Every change before `until`, oldest first; a plan that is no longer sold counts as the first one."""
        query = (
            plan_changes.select()
            .where(plan_changes.c.organisation == scope.organisation, plan_changes.c.since < until)
            .order_by(plan_changes.c.since)
        )
        with of_organisation(self._engine, scope.organisation).connect() as connection:
            rows = connection.execute(query).all()
        return [PlanChange(row.since, self._plans.named(row.plan) or self._plans.first) for row in rows]


def plan_in_force(connection: Connection, plans: Plans, organisation: str) -> Plan:
    """The plan of the newest change, or the first one where there was none."""
    return plan_called(plans, connection.execute(NEWEST, {"of": organisation}).scalar())


def plan_called(plans: Plans, name: str | None) -> Plan:
    """The plan of this name; the first one where there was no change, or the plan is no longer sold."""
    return (plans.named(name) if name else None) or plans.first


def record_change(connection: Connection, organisation: str, since: datetime, plan: Plan) -> None:
    """Add to the history; what is older than the newest change does not alter the plan in force."""
    insert_or_update(connection, plan_changes, {"organisation": organisation, "since": since, "plan": plan.name})
