"""What Stripe tells: each event is applied once, and the newest news of a subscription wins, whenever it arrives."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog
from pydantic import ValidationError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from app.billing.plans import Plan, Plans
from app.billing.stripe_events import StripeEvent
from app.billing.subscriptions import record_change
from app.billing.tables import stripe_customers, stripe_events
from app.errors import InvalidInput
from app.tenancy.scope import of_organisation

# Stripe's clock has seconds. Events of the same second stand in the order in which a subscription lives.
LIFE = ("customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted")
PAID = ("active", "trialing", "past_due")  # past due: Stripe tries the card again, people go on working
OVER = ("canceled", "unpaid", "incomplete_expired", "paused")
OWNER = sa.select(stripe_customers.c.organisation).where(stripe_customers.c.customer == sa.bindparam("customer"))

log = structlog.get_logger()


class Webhooks:
    """Applies events; one that is delivered again changes nothing. `prices` are Stripe's, by plan."""

    def __init__(self, engine: Engine, plans: Plans, prices: Mapping[str, list[str]]) -> None:
        self._engine = engine
        self._plans = plans
        self._prices = prices
        insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._keep = insert(stripe_events).on_conflict_do_nothing().returning(stripe_events.c.id)

    def apply(self, event: StripeEvent) -> bool:
        """Do what an event says, in one transaction with the note that it was done; False when it was done before.

        Raises:
            InvalidInput: it says that it is about a subscription, and is not.
        """
        owner, plan = self._news(event) if event.type in LIFE else (None, None)
        row = {"id": event.id, "type": event.type, "created": event.at, "received_at": datetime.now(UTC)}
        with (of_organisation(self._engine, owner) if owner else self._engine).begin() as connection:
            if connection.execute(self._keep, row).first() is None:
                return False
            if owner and plan:
                record_change(connection, owner, event.at + timedelta(microseconds=LIFE.index(event.type)), plan)
        return True

    def _news(self, event: StripeEvent) -> tuple[str | None, Plan | None]:
        """Whose subscription it is, and the plan that is in force from this event on; None where it is no news."""
        try:
            subscription = event.subscription()
        except ValidationError as error:
            raise InvalidInput(f"This is no subscription: {error.error_count()} fields do not fit.") from None
        plan: Plan | None = None
        if event.type == LIFE[-1] or subscription.status in OVER:
            plan = self._plans.first
        elif subscription.status in PAID:
            plan = self._bought(subscription.prices)
        with self._engine.connect() as connection:
            owner = connection.execute(OWNER, {"customer": subscription.customer}).scalar()
        if owner is None or (plan is None and subscription.status in PAID):
            log.error("stripe event of no customer or plan of ours", stripe_event=event.id, customer_known=bool(owner))
        return owner, plan

    def _bought(self, prices: set[str]) -> Plan | None:
        names = [plan for plan, known in self._prices.items() if prices & set(known)]
        return self._plans.named(names[0]) if names else None
