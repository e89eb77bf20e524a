"""Billing, whose process is killed at every statement and every commit in turn. Prints what each part went through.

Run as `python -m tests.e2e.killed_billing FOLDER STRIPE_URL`. Each attempt is a process of its own: it gets one moment
further than the one before and is killed with SIGKILL. Whoever asked for the work asks again, as clients and Stripe do.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import sqlalchemy as sa
import stripe
from sqlalchemy.engine import Engine

from app.billing.plans import Kind
from app.billing.service import Billing
from app.billing.settings import BillingSettings
from app.billing.stripe_gateway import StripeGateway
from app.billing.tables import stripe_customers
from app.tenancy.scope import OrganisationScope
from tests.integration.billing_setting import PLANS, PRICES, new_organisation, service_database, sqlite_database
from tests.integration.stripe_stub import SIGNER, subscription

CUSTOMER = "cus_1"
BOUGHT = subscription("evt_1", "created", 1_764_000_000, CUSTOMER, "price_team")
KEYS = ("a", "b", "c")
MOST_ATTEMPTS = 60


def main(folder: Path, stripe_url: str) -> None:
    """Meter, then apply a webhook, then empty the outbox; each to its end, however often it is killed."""
    _ = stripe.StripeClient("sk").v1.billing.meter_events  # loads here what each worker would have to load
    with sqlite_database(folder) as engine:
        scope = new_organisation(engine)
        with engine.begin() as connection:
            connection.execute(stripe_customers.insert().values(organisation=scope.organisation, customer=CUSTOMER))
    kills = {
        "metering": until_done(folder, stripe_url, lambda billing: meter(billing, scope)),
        "webhook": until_done(folder, stripe_url, listen),
        "outbox": until_done(folder, stripe_url, empty),
    }
    print(json.dumps({"organisation": scope.organisation, "kills": kills}))


def until_done(folder: Path, stripe_url: str, work: Callable[[Billing], None]) -> int:
    """Do the work in one process after the other until one lives; how many were killed."""
    for attempt in range(MOST_ATTEMPTS):
        worker = os.fork()
        if worker == 0:
            values = {"stripe_key": "sk_test_stub", "stripe_webhook_secret": SIGNER, "stripe_prices": PRICES}
            settings = BillingSettings.model_validate({**values, "stripe_url": stripe_url, "settle_seconds": 0})
            with service_database(f"sqlite:///{folder}/service.db") as engine:
                billing = Billing(engine, settings, PLANS)
                kill_at(attempt, engine)
                work(billing)
            os._exit(0)
        _, status = os.waitpid(worker, 0)
        if os.WIFEXITED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return attempt
    raise AssertionError("it never came to an end")


def kill_at(moment: int, engine: Engine) -> None:
    """Be killed at that moment: after a statement, before a commit, after one, or when Stripe was told."""
    moments = count()

    def pass_by(*_: object) -> None:
        if next(moments) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    for event in ("after_cursor_execute", "commit"):
        sa.event.listen(engine, event, pass_by)
    sa.event.listen(engine.pool, "checkin", pass_by)
    report = StripeGateway.report

    def told(*arguments: object) -> bool:
        taken: bool = report(*arguments)  # type: ignore[arg-type]
        pass_by()
        return taken

    StripeGateway.report = told  # type: ignore[method-assign]


def meter(billing: Billing, scope: OrganisationScope) -> None:
    """Three questions, one of which fails and is given back."""
    for key in KEYS:
        billing.usage.take(scope, Kind.QUESTIONS, 1, key)
    billing.usage.give_back(scope, Kind.QUESTIONS, KEYS[1])


def listen(billing: Billing) -> None:
    """Stripe delivers its event."""
    assert billing.webhooks is not None
    billing.webhooks.apply(BOUGHT)


def empty(billing: Billing) -> None:
    """Stripe is told of all usage."""
    assert billing.outbox is not None
    billing.outbox.deliver()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
