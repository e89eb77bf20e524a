"""Billing as the rest of the service sees it: usage, plans, invoices, and Stripe where it is set up."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.billing.invoices import Invoices, month_bounds
from app.billing.outbox import Outbox
from app.billing.plans import Plans, load_plans
from app.billing.reports import UsageReport, daily_usage
from app.billing.settings import BillingSettings
from app.billing.subscriptions import Subscriptions
from app.billing.tables import stripe_customers
from app.billing.usage import Usage
from app.billing.webhooks import Webhooks
from app.errors import ConfigurationError, InvalidInput
from app.stores.database import insert_or_update
from app.tenancy.scope import OrganisationScope

if TYPE_CHECKING:
    from app.billing.stripe_gateway import StripeGateway

CUSTOMER = sa.select(stripe_customers.c.customer).where(stripe_customers.c.organisation == sa.bindparam("of"))


class Billing:
    """One for each process. `gateway`, `webhooks` and `outbox` are None where Stripe is not set up."""

    def __init__(self, engine: Engine, settings: BillingSettings, plans: Plans | None = None) -> None:
        """Read the plans and, where there is a key, prepare Stripe's client.

        Raises:
            ConfigurationError: plans or settings do not fit.
        """
        self.plans = plans or load_plans()
        self.usage = Usage(engine, self.plans)
        self.subscriptions = Subscriptions(engine, self.plans)
        self.invoices = Invoices(engine, self.plans)
        self._engine = engine
        self.gateway: StripeGateway | None = None
        self.webhooks: Webhooks | None = None
        self.outbox: Outbox | None = None
        if settings.stripe_key:
            self.gateway = open_gateway(settings, self.plans)
            self.webhooks = Webhooks(engine, self.plans, settings.stripe_prices)
            self.outbox = Outbox(engine, self.gateway, settings.settle_seconds)

    def usage_page(self, scope: OrganisationScope) -> UsageReport:
        """What the usage page shows."""
        days, series = daily_usage(self._engine, scope)
        return UsageReport(self.subscriptions.plan(scope), self.usage.standing(scope), days, series)

    def choose(self, scope: OrganisationScope, name: str, return_url: str) -> str | None:
        """Change to the plan called `name`; with Stripe return where the change is made and paid, else None.

        A first paid plan is bought at the checkout. Whoever has one changes or ends it in the portal, so that nobody
        pays for two at once.

        Raises:
            InvalidInput: there is no such plan.
            PaymentsUnavailable: Stripe does not answer.
        """
        if self.gateway is None:
            self.subscriptions.change(scope, name)
            return None
        plan = self.subscriptions.named(name)
        if self.subscriptions.plan(scope).price:
            return self.portal(scope, return_url)
        if not plan.price:
            return None  # it is in force already
        renews = month_bounds(f"{datetime.now(UTC):%Y-%m}")[1]
        return self.gateway.checkout(self._customer(self.gateway, scope), plan.name, renews, return_url)

    def portal(self, scope: OrganisationScope, return_url: str) -> str:
        """Where the organisation changes plan and card, sees Stripe's invoices, or cancels.

        Raises:
            InvalidInput: Stripe is not set up.
            PaymentsUnavailable: Stripe does not answer.
        """
        if self.gateway is None:
            raise InvalidInput("There is no payment portal here.", "Set APP_BILLING__STRIPE_KEY, or change the plan.")
        return self.gateway.portal(self._customer(self.gateway, scope), return_url)

    def close(self, organisation: str) -> None:
        """End the payments of an organisation that is about to be deleted; whoever deletes it deletes our rows.

        Raises:
            PaymentsUnavailable: Stripe does not answer; then nothing may be deleted, or it would go on charging.
        """
        customer = self._known_customer(organisation)
        if self.gateway and customer:
            self.gateway.delete_customer(customer)

    def _known_customer(self, organisation: str) -> str | None:
        with self._engine.connect() as connection:
            return connection.execute(CUSTOMER, {"of": organisation}).scalar()

    def _customer(self, gateway: "StripeGateway", scope: OrganisationScope) -> str:
        """Stripe's id of the organisation, made at its first visit."""
        if known := self._known_customer(scope.organisation):
            return known
        customer = gateway.create_customer(scope.organisation)  # the same one for whoever else asks now
        with self._engine.begin() as connection:
            insert_or_update(connection, stripe_customers, {"organisation": scope.organisation, "customer": customer})
        return customer


def open_gateway(settings: BillingSettings, plans: Plans) -> "StripeGateway":
    """Stripe's client.

    Raises:
        ConfigurationError: it is not installed, or a secret or the prices of a paid plan are missing.
    """
    try:
        from app.billing.stripe_gateway import StripeGateway  # here, because few laptops install its client
    except ImportError:
        raise ConfigurationError("Stripe needs its client.", "Run `uv sync --extra stripe`.") from None
    paid = [plan.name for plan in plans.plans if plan.price]
    if missing := [name for name in paid if not settings.stripe_prices.get(name)]:
        raise ConfigurationError(f"The plans {missing} have no price at Stripe.", "Set APP_BILLING__STRIPE_PRICES.")
    return StripeGateway(settings)
