"""How billing is set up: without a key of Stripe's, invoices are previews and a plan changes at a click."""

from pydantic import BaseModel, Field, SecretStr


class BillingSettings(BaseModel):
    """Stripe, where it is used; both secrets and the prices are needed then."""

    stripe_key: SecretStr | None = Field(None, description="Stripe's secret key; without it nobody is charged")
    stripe_webhook_secret: SecretStr | None = Field(None, description="what Stripe signs webhooks with, `whsec_…`")
    stripe_prices: dict[str, list[str]] = Field(
        {}, description="Stripe's price ids of each plan as JSON: first the monthly one, then the metered one if any"
    )
    stripe_meter: str = Field("questions", description="`event_name` of the meter that counts questions at Stripe")
    stripe_url: str = Field("https://api.stripe.com", description="Stripe's API; tests have their own")
    outbox_seconds: float = Field(60, gt=0, description="how often Stripe is told what was used, in seconds")
    settle_seconds: float = Field(600, ge=0, description="age from which an event is reported; younger ones may change")
