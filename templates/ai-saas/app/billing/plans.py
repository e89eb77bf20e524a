"""Plans as they stand in `plans.yaml`: prices, what they include, and where a quota ends."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import AppError, ConfigurationError

UNITS = {"GB": 1_000_000_000, "MB": 1_000_000, "KB": 1_000, "bytes": 1}
PLANS_FILE = Path(__file__).with_name("plans.yaml")


class Kind(StrEnum):
    """What is counted. Questions and tokens are used up and begin anew each month; the others are what is kept."""

    QUESTIONS = "questions"
    TOKENS = "tokens"
    DOCUMENTS = "documents"
    STORAGE_BYTES = "storage_bytes"
    MEMBERS = "members"

    @property
    def monthly(self) -> bool:
        """Whether the count begins anew each month."""
        return self in (Kind.QUESTIONS, Kind.TOKENS)

    def words(self, quantity: int) -> str:
        """A quantity as people read it: `2,000 questions`, `25 MB`."""
        if self is Kind.STORAGE_BYTES:
            return self.amount(quantity)
        return f"{quantity:,} {self.value.removesuffix('s') if quantity == 1 else self.value}"

    def amount(self, quantity: int) -> str:
        """The same without the kind's name: `2,000`, `25 MB`."""
        if self is not Kind.STORAGE_BYTES:
            return f"{quantity:,}"
        unit, size = next((unit, size) for unit, size in UNITS.items() if quantity >= size or size == 1)
        return f"{quantity / size:.3g} {unit}"


class QuotaReached(AppError):
    """What the organisation wanted does not fit into its plan; `helps` names the plan that it would fit into, or ''."""

    status: ClassVar[int] = 402
    title: ClassVar[str] = "Quota reached"

    def __init__(self, kind: Kind, message: str, remedy: str, helps: str) -> None:
        super().__init__(message, remedy)
        self.kind = kind
        self.helps = helps


class Quota(BaseModel):
    """How much of a kind a plan allows: `included` in its price, and from there at `overage` each up to `most`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    included: int = Field(ge=0)
    overage: Decimal | None = Field(None, gt=Decimal(0))
    most: int = Field(0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _ends_somewhere(cls, values: dict[str, object]) -> dict[str, object]:
        return {"most": values.get("included"), **values}

    @model_validator(mode="after")
    def _overage_has_room(self) -> "Quota":
        if (self.most > self.included) != (self.overage is not None) or self.most < self.included:
            raise ValueError("`most` above `included` and an `overage` go together")
        return self


class Plan(BaseModel):
    """One plan; `price` in US dollars a month."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z]{1,20}$")
    title: str
    price: Decimal = Field(ge=Decimal(0))
    quotas: Mapping[Kind, Quota]

    @model_validator(mode="after")
    def _what_is_kept_has_no_overage(self) -> "Plan":
        for kind, quota in self.quotas.items():
            if quota.overage is not None and not kind.monthly:
                raise ValueError(f"{kind.value} are kept, not used up: they cannot have an overage")
        return self

    def most(self, kind: Kind) -> int | None:
        """Where this kind ends; None for no limit."""
        return self.quotas[kind].most if kind in self.quotas else None

    def allowance(self, kind: Kind) -> str:
        """What the plan has of a kind, as a sentence: what the price covers, and where it ends all the same."""
        quota, period = self.quotas.get(kind), " a month" if kind.monthly else ""
        if quota is None:
            return f"The plan {self.title} has no limit here."
        if quota.overage is None:
            return f"The plan {self.title} allows {kind.words(quota.most)}{period}."
        further = f"{kind.amount(quota.most)} at most: each further one costs {money(quota.overage)}"
        return f"The plan {self.title} includes {kind.words(quota.included)}{period} and allows {further}."


class Plans(BaseModel):
    """All plans, cheapest first; the first one is everybody's at the start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warn_from: float = Field(gt=0, le=1)
    plans: tuple[Plan, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> "Plans":
        if sorted(self.plans, key=lambda plan: plan.price) != list(self.plans):
            raise ValueError("plans stand in the order of their prices")
        if len({plan.name for plan in self.plans}) != len(self.plans):
            raise ValueError("two plans have the same name")
        return self

    @property
    def first(self) -> Plan:
        """The plan of an organisation that chose none."""
        return self.plans[0]

    def named(self, name: str) -> Plan | None:
        """The plan called so."""
        return next((plan for plan in self.plans if plan.name == name), None)

    def allowing(self, kind: Kind, quantity: int) -> Plan | None:
        """The cheapest plan with room for so many of a kind."""
        return next((plan for plan in self.plans if (most := plan.most(kind)) is None or most >= quantity), None)

    def refusal(self, plan: Plan, kind: Kind, wanted: int) -> QuotaReached:
        """The error for an organisation on `plan` that would have `wanted` of a kind."""
        better = self.allowing(kind, wanted)
        remedy = better.allowance(kind) if better else "No plan allows more."
        wait = " They are back on the first of next month (UTC)." if kind.monthly else " Delete some to make room."
        return QuotaReached(kind, plan.allowance(kind), remedy + wait, better.name if better else "")


def money(amount: Decimal) -> str:
    """US dollars; cents where there are any, and as many digits as a price of one thing has."""
    if amount == amount.to_integral():
        return f"${amount:,.0f}"
    return f"${amount:,.2f}" if amount == round(amount, 2) else f"${amount.normalize():f}"


def load_plans(file: Path = PLANS_FILE) -> Plans:
    """The plans in a YAML file.

    Raises:
        ConfigurationError: the file is missing, or contradicts itself; the message says where.
    """
    try:
        return Plans.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"{file} does not fit: {problems}.", "Correct it.") from None
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}.", "Correct it.") from None
