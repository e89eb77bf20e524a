"""What an organisation uses: each thing counted exactly once, and never more than its plan allows.

An event and the counter that it moves are written in one transaction, so a process that is killed in between has done
both or neither. The quota is a condition of the statement that moves the counter: two requests never get the same rest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from app.billing.plans import Kind, Plan, Plans, Quota
from app.billing.subscriptions import NEWEST, plan_called, plan_in_force
from app.billing.tables import usage_counters, usage_events
from app.tenancy.scope import OrganisationScope, of_organisation

__all__ = ["Kind", "Standing", "Usage"]

ALWAYS = ""  # the month of what is kept
NO_LIMIT = 2**62


@dataclass(frozen=True)
class Standing:
    """How an organisation stands with one kind: `quota` is None where its plan has no limit."""

    kind: Kind
    used: int
    quota: Quota | None
    warn_from: float

    @property
    def share(self) -> float:
        """What part of the included quantity is used; above 1 in overage."""
        if self.quota is None:
            return 0.0
        return self.used / self.quota.included if self.quota.included else 1.0

    @property
    def near(self) -> bool:
        """Whether the soft limit is passed: people should be warned."""
        return self.share >= self.warn_from

    @property
    def left(self) -> int | None:
        """How much more the plan allows, overage included; None for no limit."""
        return max(self.quota.most - self.used, 0) if self.quota else None


class Usage:
    """The ledger and the counters of one database, shared by every process that opens it."""

    def __init__(self, engine: Engine, plans: Plans) -> None:
        self._engine = engine
        self._plans = plans
        self._statements = _statements(engine.dialect.name)

    def take(self, scope: OrganisationScope, kind: Kind, quantity: int, key: str) -> Standing:
        """Use `quantity` of a kind, once for each `key` (of the question, the document …), and tell what is left.

        Call it before the work. Doing so again with the same key changes nothing, unless it was given back.

        Raises:
            QuotaReached: it does not fit into the plan; nothing was counted.
        """
        return self.take_together(scope, {kind: quantity}, key)[kind]

    def take_together(self, scope: OrganisationScope, quantities: Mapping[Kind, int], key: str) -> dict[Kind, Standing]:
        """Use several kinds for one thing: all of them or, when one does not fit, none.

        Raises:
            QuotaReached: one of them does not fit into the plan; nothing was counted.
        """
        now = datetime.now(UTC)
        with self._writing(scope).begin() as connection:
            return {  # always in the same order, so that two never wait for each other in a circle
                kind: self._take(connection, scope, kind, quantities[kind], key, now) for kind in sorted(quantities)
            }

    def settle(self, scope: OrganisationScope, kind: Kind, quantity: int, key: str) -> None:
        """Say what was used in truth, where `take` was a guess; 0 gives it back. Never refused.

        Nothing happens when the key was never taken, or when Stripe was told already.
        """
        refuse_negative(quantity)
        with self._writing(scope).begin() as connection:
            event = _event(scope, kind, key)
            held = connection.execute(HELD, {"event": event}).first()
            if held is not None and held.quantity != quantity:
                month = _month(kind, held.happened_at)
                connection.execute(SET_QUANTITY, {"event": event, "now": quantity})
                change = {"of": scope.organisation, "in": month, "what": kind, "change": quantity - held.quantity}
                connection.execute(CHANGE_COUNTER, change)

    def give_back(self, scope: OrganisationScope, kind: Kind, key: str) -> None:
        """Undo `take`: the question failed, the document was deleted, the member left."""
        self.settle(scope, kind, 0, key)

    def standing(self, scope: OrganisationScope) -> dict[Kind, Standing]:
        """How the organisation stands with every kind now."""
        now = datetime.now(UTC)
        with of_organisation(self._engine, scope.organisation).connect() as connection:
            plan = plan_in_force(connection, self._plans, scope.organisation)
            rows = connection.execute(COUNTERS, {"of": scope.organisation}).all()
        used = {(row.kind, row.month): row.used for row in rows}
        return {kind: self._standing(plan, kind, used.get((kind, _month(kind, now)), 0)) for kind in Kind}

    def _writing(self, scope: OrganisationScope) -> Engine:
        """The same connections, that PostgreSQL lets see this organisation's rows alone; no wait for the disk."""
        return of_organisation(self._engine, scope.organisation, at_once=True)

    def _take(
        self, connection: Connection, scope: OrganisationScope, kind: Kind, quantity: int, key: str, now: datetime
    ) -> Standing:
        refuse_negative(quantity)
        month, event = _month(kind, now), _event(scope, kind, key)
        owner = {"organisation": scope.organisation, "kind": kind}
        row = {**owner, "id": event, "quantity": quantity, "day": now.date(), "happened_at": now}
        counter = {"of": scope.organisation, "in": month, "what": kind}
        values = {**row, "of": scope.organisation}
        recorded = connection.execute(self._statements.record, values).first() if quantity else None
        if recorded is None:  # nothing to count, or counted before
            plan = plan_in_force(connection, self._plans, scope.organisation)
            return self._standing(plan, kind, connection.execute(COUNTER, counter).scalar() or 0)
        plan = plan_called(self._plans, recorded.plan)
        most = plan.most(kind)
        used: int | None = None
        if most is None or quantity <= most:
            limit = NO_LIMIT if most is None else most
            added = {**owner, "month": month, "used": quantity, "limit": limit}
            used = connection.execute(self._statements.count, added).scalar()
        if used is None:  # and with this the transaction ends: the event is not kept either
            held = connection.execute(COUNTER, counter).scalar() or 0
            raise self._plans.refusal(plan, kind, held + quantity)
        return self._standing(plan, kind, used)

    def _standing(self, plan: Plan, kind: Kind, used: int) -> Standing:
        return Standing(kind, used, plan.quotas.get(kind), self._plans.warn_from)


@dataclass(frozen=True)
class _Statements:
    """The two statements whose wording differs between the databases; the first one also tells the plan in force."""

    record: sa.Executable
    count: sa.Executable


def _statements(dialect: str) -> _Statements:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    record = insert(usage_events)
    again = {name: record.excluded[name] for name in ("quantity", "day", "happened_at")}
    given_back = sa.and_(usage_events.c.quantity == 0, usage_events.c.tried_at.is_(None))
    count = insert(usage_counters)
    total = usage_counters.c.used + count.excluded.used
    return _Statements(
        record.on_conflict_do_update(index_elements=["id"], set_=again, where=given_back).returning(
            NEWEST.scalar_subquery().label("plan")
        ),
        count.on_conflict_do_update(
            index_elements=["organisation", "month", "kind"],
            set_={"used": total},
            where=total <= sa.bindparam("limit", type_=sa.BigInteger),
        ).returning(usage_counters.c.used),
    )


_same = usage_events.c.id == sa.bindparam("event")
_counted = sa.and_(
    usage_counters.c.organisation == sa.bindparam("of"),
    usage_counters.c.month == sa.bindparam("in"),
    usage_counters.c.kind == sa.bindparam("what"),
)
# Changes nothing, but locks the event's row on either database while its quantity is replaced.
HELD = (
    usage_events.update()
    .where(_same, usage_events.c.tried_at.is_(None))
    .values(quantity=usage_events.c.quantity)
    .returning(usage_events.c.quantity, usage_events.c.happened_at)
)
SET_QUANTITY = usage_events.update().where(_same).values(quantity=sa.bindparam("now"))
CHANGE_COUNTER = usage_counters.update().where(_counted).values(used=usage_counters.c.used + sa.bindparam("change"))
COUNTER = sa.select(usage_counters.c.used).where(_counted)
COUNTERS = usage_counters.select().where(usage_counters.c.organisation == sa.bindparam("of"))


def refuse_negative(quantity: int) -> None:
    """A negative quantity would be a gift: a defect of the caller."""
    if quantity < 0:
        raise ValueError(f"a quantity cannot be negative: {quantity}")


def _event(scope: OrganisationScope, kind: Kind, key: str) -> str:
    """The id of an event: the same for the same thing, different in each organisation."""
    return hashlib.sha256(f"{scope.organisation}/{kind.value}/{key}".encode()).hexdigest()[:32]


def _month(kind: Kind, when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m}" if kind.monthly else ALWAYS
