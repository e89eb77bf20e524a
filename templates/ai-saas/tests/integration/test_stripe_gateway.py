"""Stripe's own client against a stub of its wire format: what we ask, and what we make of failures."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

pytest.importorskip("stripe", reason="STRIPE IS NOT TESTED: run `uv sync --extra stripe`")

from app.billing.plans import Kind
from app.billing.service import Billing
from app.billing.settings import BillingSettings
from app.billing.stripe_events import PaymentsUnavailable
from app.billing.stripe_gateway import StripeGateway
from app.errors import ConfigurationError, InvalidInput
from app.tenancy.scope import OrganisationScope
from tests.integration.billing_setting import PLANS, PRICES, new_organisation, sqlite_database
from tests.integration.stripe_stub import SIGNER, StripeStub, stripe_stub

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAGE = "http://127.0.0.1:8000/billing"


@pytest.fixture
def stub() -> Iterator[StripeStub]:
    with stripe_stub() as stub:
        yield stub


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with sqlite_database(tmp_path) as engine:
        yield engine


@pytest.fixture
def scope(engine: Engine) -> OrganisationScope:
    return new_organisation(engine)


def settings(stub: StripeStub) -> BillingSettings:
    return BillingSettings.model_validate(
        {
            "stripe_key": "sk_test_stub",
            "stripe_webhook_secret": SIGNER,
            "stripe_prices": PRICES,
            "stripe_url": stub.url,
            "settle_seconds": 0,
        }
    )


@pytest.fixture
def billing(engine: Engine, stub: StripeStub) -> Billing:
    return Billing(engine, settings(stub), PLANS)


@pytest.fixture
def gateway(stub: StripeStub) -> StripeGateway:
    return StripeGateway(settings(stub))


def test_a_first_plan_is_bought_at_the_checkout(billing: Billing, scope: OrganisationScope, stub: StripeStub) -> None:
    url = billing.choose(scope, "team", PAGE)
    assert url == "https://checkout.stripe.com/c/pay/1"
    (made, customer), (opened, session) = stub.asked
    assert (made, customer) == ("/v1/customers", {"metadata[organisation]": scope.organisation})
    anchor = datetime.fromtimestamp(int(session.pop("subscription_data[billing_cycle_anchor]")), UTC)
    assert (anchor.day, anchor.hour, anchor > datetime.now(UTC)) == (1, 0, True)
    assert opened == "/v1/checkout/sessions"
    assert session == {
        "mode": "subscription",
        "customer": "cus_0",
        "line_items[0][price]": "price_team",
        "line_items[0][quantity]": "1",
        "line_items[1][price]": "price_questions",
        "success_url": PAGE,
        "cancel_url": PAGE,
    }
    assert billing.subscriptions.plan(scope).name == "free", "nothing is in force before Stripe says that it is paid"


def test_an_organisation_stays_the_same_customer(billing: Billing, scope: OrganisationScope, stub: StripeStub) -> None:
    for _ in range(2):
        billing.choose(scope, "team", PAGE)
    customers = [form["customer"] for path, form in stub.asked if path == "/v1/checkout/sessions"]
    assert customers == ["cus_0", "cus_0"]
    assert [path for path, _ in stub.asked].count("/v1/customers") == 1


@pytest.mark.parametrize("choice", ["free", "team"])
def test_who_pays_already_goes_to_the_portal(
    billing: Billing, scope: OrganisationScope, stub: StripeStub, choice: str
) -> None:
    billing.subscriptions.change(scope, "team")
    assert billing.choose(scope, choice, PAGE) == "https://billing.stripe.com/p/session/1"
    assert stub.asked[-1] == ("/v1/billing_portal/sessions", {"customer": "cus_0", "return_url": PAGE})


def test_without_stripe_a_plan_changes_at_once(engine: Engine, scope: OrganisationScope) -> None:
    billing = Billing(engine, BillingSettings.model_validate({}), PLANS)
    assert billing.choose(scope, "team", PAGE) is None
    assert billing.subscriptions.plan(scope).name == "team"
    with pytest.raises(InvalidInput, match="no payment portal"):
        billing.portal(scope, PAGE)


def test_who_deletes_an_organisation_is_not_charged_any_more(
    billing: Billing, scope: OrganisationScope, stub: StripeStub
) -> None:
    billing.close(scope.organisation)
    assert stub.asked == [], "it was no customer"
    billing.choose(scope, "team", PAGE)
    for _ in range(2):
        billing.close(scope.organisation)
    assert stub.deleted == {"/v1/customers/cus_0"}


def test_an_unknown_plan_is_refused_by_name(billing: Billing, scope: OrganisationScope, stub: StripeStub) -> None:
    with pytest.raises(InvalidInput, match=r"no plan 'gold'.*free, team"):
        billing.choose(scope, "gold", PAGE)
    assert stub.asked == []


def test_a_meter_event_carries_its_id_and_its_time(gateway: StripeGateway, stub: StripeStub) -> None:
    assert gateway.report("event-1", "cus_1", 3, NOON)
    assert stub.metered == {
        "event-1": {
            "event_name": "questions",
            "identifier": "event-1",
            "timestamp": str(int(NOON.timestamp())),
            "payload[stripe_customer_id]": "cus_1",
            "payload[value]": "3",
        }
    }


@pytest.mark.parametrize("remembers", [True, False], ids=["by key", "by identifier"])
def test_told_again_an_event_counts_once(gateway: StripeGateway, stub: StripeStub, remembers: bool) -> None:
    stub.remembers_keys = remembers
    assert [gateway.report("event-1", "cus_1", 3, NOON) for _ in range(3)] == [True] * 3
    assert stub.billed == 3


def test_an_event_that_stripe_does_not_take_is_told_apart(gateway: StripeGateway, stub: StripeStub) -> None:
    stub.failures = [400]
    assert gateway.report("event-1", "cus_1", 3, NOON) is False


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_stripe_that_fails_is_503_and_says_nothing_of_its_insides(
    billing: Billing, scope: OrganisationScope, stub: StripeStub, status: int
) -> None:
    stub.failures = [status]
    with pytest.raises(PaymentsUnavailable) as caught:
        billing.choose(scope, "team", PAGE)
    assert (caught.value.status, str(caught.value)) == (
        503,
        "The payment provider does not answer. Try again in a minute.",
    )


def test_usage_that_stripe_did_not_hear_of_is_told_again(
    billing: Billing, scope: OrganisationScope, stub: StripeStub
) -> None:
    billing.choose(scope, "team", PAGE)
    for number in range(3):
        billing.usage.take(scope, Kind.QUESTIONS, 1, str(number))
    assert billing.outbox is not None
    stub.failures = [500]
    with pytest.raises(PaymentsUnavailable):
        billing.outbox.deliver()
    assert billing.outbox.deliver().reported == 3
    assert stub.billed == 3


@pytest.mark.parametrize("missing", ["stripe_webhook_secret", "stripe_prices"])
def test_stripe_half_set_up_does_not_start(engine: Engine, stub: StripeStub, missing: str) -> None:
    half = settings(stub).model_copy(update={missing: {} if missing == "stripe_prices" else None})
    with pytest.raises(ConfigurationError, match="APP_BILLING__STRIPE"):
        Billing(engine, half, PLANS)
