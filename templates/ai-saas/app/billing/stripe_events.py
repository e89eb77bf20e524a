"""What Stripe sends, as far as we look at it, and what is raised when it does not answer."""

from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, Field

from app.errors import AppError


class PaymentsUnavailable(AppError):
    """Stripe does not answer, or refused us."""

    status: ClassVar[int] = 503
    title: ClassVar[str] = "Payments unavailable"


class Price(BaseModel):
    """The price of a subscription's item."""

    id: str


class Item(BaseModel):
    """One item of a subscription."""

    price: Price


class Items(BaseModel):
    """The items of a subscription, as Stripe wraps lists."""

    data: list[Item] = []


class Subject(BaseModel):
    """What an event is about: a subscription has all of this, other objects have less."""

    customer: str | None = None
    status: str | None = None
    items: Items = Items()

    @property
    def prices(self) -> set[str]:
        """The ids of the prices that were bought."""
        return {item.price.id for item in self.items.data}


class Payload(BaseModel):
    """Stripe's wrapping of the subject; other events have subjects of other shapes, which nobody reads."""

    object: dict[str, object]


class StripeEvent(BaseModel):
    """An event of Stripe's, whose signature was checked."""

    id: str = Field(min_length=1, max_length=100)
    type: str = Field(max_length=100)
    created: int = Field(ge=0, le=4_102_444_800)  # the year 2100
    data: Payload

    @property
    def at(self) -> datetime:
        """When it happened."""
        return datetime.fromtimestamp(self.created, UTC)

    def subscription(self) -> Subject:
        """The subscription that this event is about.

        Raises:
            ValidationError: it is about something else.
        """
        return Subject.model_validate(self.data.object)
