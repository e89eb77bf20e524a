"""Stripe behind six calls: a customer comes and goes, checkout, portal, a meter event, and reading what it signed.

Importing this module needs the extra `stripe`.
"""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

import stripe
import structlog
from pydantic import ValidationError

from app.billing.settings import BillingSettings
from app.billing.stripe_events import PaymentsUnavailable, StripeEvent
from app.errors import ConfigurationError, InvalidInput, Unauthorized

TIMEOUT_SECONDS = 10
RETRIES = 2  # by Stripe's own client, with an idempotency key
REPLAY_SECONDS = 300  # a signature that is older is refused
T = TypeVar("T")

log = structlog.get_logger()


class StripeGateway:
    """Every call raises `PaymentsUnavailable` when Stripe does not answer or refuses."""

    def __init__(self, settings: BillingSettings) -> None:
        """Prepare a client; nothing is sent yet.

        Raises:
            ConfigurationError: a secret or the prices are missing.
        """
        if not (settings.stripe_key and settings.stripe_webhook_secret and settings.stripe_prices):
            raise ConfigurationError(
                "Stripe is half set up.",
                "Set APP_BILLING__STRIPE_KEY, APP_BILLING__STRIPE_WEBHOOK_SECRET and APP_BILLING__STRIPE_PRICES.",
            )
        self._settings = settings
        self._secret = settings.stripe_webhook_secret.get_secret_value()
        self._client = stripe.StripeClient(
            settings.stripe_key.get_secret_value(),
            base_addresses={"api": settings.stripe_url},
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )

    def create_customer(self, organisation: str) -> str:
        """The customer that stands for an organisation; asked again, Stripe tells of the same one for a day."""
        wanted: Any = {"metadata": {"organisation": organisation}}
        once: Any = {"idempotency_key": f"customer-{organisation}"}
        return _told(lambda: self._client.v1.customers.create(wanted, once).id)

    def delete_customer(self, customer: str) -> None:
        """Delete a customer, which ends the subscription at once; one that is gone already is no failure."""
        try:
            _told(lambda: self._client.v1.customers.delete(customer))
        except PaymentsUnavailable as error:
            if getattr(error.__cause__, "http_status", None) != HTTPStatus.NOT_FOUND:
                raise

    def checkout(self, customer: str, plan: str, renews: datetime, return_url: str) -> str:
        """The address of a page where the customer pays for a plan: for a part of the month first, until `renews`."""
        fixed, *metered = self._settings.stripe_prices[plan]
        wanted: Any = {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": fixed, "quantity": 1}, *({"price": price} for price in metered)],
            "subscription_data": {"billing_cycle_anchor": int(renews.timestamp())},
            "success_url": return_url,
            "cancel_url": return_url,
        }
        return _told(lambda: self._client.v1.checkout.sessions.create(wanted).url or return_url)

    def portal(self, customer: str, return_url: str) -> str:
        """The address of a page where the customer changes plan and card, or cancels."""
        wanted: Any = {"customer": customer, "return_url": return_url}
        return _told(lambda: self._client.v1.billing_portal.sessions.create(wanted).url)

    def report(self, event: str, customer: str, quantity: int, happened_at: datetime) -> bool:
        """Tell of usage; False when Stripe does not take it.

        Stripe counts an `event` once, however often it is told within a day.
        """
        wanted: Any = {
            "event_name": self._settings.stripe_meter,
            "identifier": event,
            "timestamp": int(happened_at.timestamp()),
            "payload": {"stripe_customer_id": customer, "value": str(quantity)},
        }
        once: Any = {"idempotency_key": event}
        try:
            _told(lambda: self._client.v1.billing.meter_events.create(wanted, once))
        except PaymentsUnavailable as error:
            refusal = error.__cause__
            if isinstance(refusal, stripe.InvalidRequestError):
                return "already exists" in str(refusal)  # it was counted before
            raise
        return True

    def read(self, body: bytes, signature: str) -> StripeEvent:
        """The event in a webhook's body.

        Raises:
            Unauthorized: the signature is not Stripe's, or older than five minutes.
            InvalidInput: Stripe signed it, but it is no event.
        """
        try:
            stripe.WebhookSignature.verify_header(body.decode(), signature, self._secret, REPLAY_SECONDS)
        except (UnicodeDecodeError, stripe.SignatureVerificationError):
            remedy = "Compare APP_BILLING__STRIPE_WEBHOOK_SECRET and the clock."
            raise Unauthorized("The signature is not Stripe's, or too old.", remedy) from None
        try:
            return StripeEvent.model_validate_json(body)
        except ValidationError as error:
            raise InvalidInput(f"This is no event of Stripe's: {error.error_count()} fields do not fit.") from None


def _told(call: Callable[[], T]) -> T:
    try:
        return call()
    except stripe.StripeError as error:
        log.error("stripe refused", status=error.http_status, code=error.code, request=error.request_id)
        raise PaymentsUnavailable("The payment provider does not answer.", "Try again in a minute.") from error
