"""Tells Stripe what was used, each event once, also when this process is killed in the middle of it.

An event is marked before Stripe is told (`tried_at`) and after (`reported_at`). One that was marked before only is told
again under the same identifier, which Stripe counts once within a day. After that nobody can say whether it was
counted: such an event is held, as is one that Stripe does not take, and a person compares it with Stripe's own list.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from opentelemetry.metrics import CallbackOptions, Observation
from sqlalchemy.engine import Connection, Engine

from app.billing.plans import Kind
from app.billing.tables import stripe_customers, usage_events
from app.observability.telemetry import Telemetry
from app.tenancy.scope import of_organisation

BATCH = 100
CERTAIN = timedelta(hours=23)  # Stripe knows an identifier for at least 24
Event = sa.Row[Any, Any, Any]  # id, quantity, happened_at
OLDEST = timedelta(days=34)  # Stripe takes nothing older than 35


class Reporter(Protocol):
    """Whoever is told of usage; False when it does not take it."""

    def report(self, event: str, customer: str, quantity: int, happened_at: datetime) -> bool:
        """Tell of one event."""
        ...


@dataclass(frozen=True)
class Delivery:
    """How many events Stripe took, and how many are held for a person."""

    reported: int
    held: int


@dataclass(frozen=True)
class Backlog:
    """Events that Stripe should know of and does not: how many, and when the oldest happened."""

    events: int = 0
    oldest: datetime | None = None

    def age_seconds(self) -> float:
        """How old the oldest is now; 0 where there is none."""
        return (datetime.now(UTC) - self.oldest).total_seconds() if self.oldest else 0.0


class Outbox:
    """The events of paying organisations that Stripe has not been told of.

    `backlog` is what the last round left, also one that Stripe did not answer.
    """

    def __init__(self, engine: Engine, reporter: Reporter, settle_seconds: float) -> None:
        self._engine = engine
        self._reporter = reporter
        self._settle = timedelta(seconds=settle_seconds)
        self.backlog = Backlog()

    def deliver(self) -> Delivery:
        """Tell of everything that is due. Several processes may do so at once.

        Raises:
            PaymentsUnavailable: Stripe does not answer; what it was not told of stays for the next call.
        """
        with self._engine.connect() as connection:
            customers = connection.execute(stripe_customers.select()).all()
        reported = held = 0
        try:
            for row in customers:
                while batch := self._claim(row.organisation):
                    reported += self._tell(row.organisation, row.customer, batch)
                held += self._held(row.organisation)
        finally:
            self.backlog = self._left([row.organisation for row in customers])
        return Delivery(reported, held)

    def _tell(self, organisation: str, customer: str, batch: Sequence[Event]) -> int:
        """Tell of these events; how many of them Stripe took."""
        taken, refused = [], []
        for event in batch:
            told = self._reporter.report(event.id, customer, event.quantity, event.happened_at)
            (taken if told else refused).append(event.id)
        self._mark(organisation, taken, reported_at=datetime.now(UTC))
        self._mark(organisation, refused, tried_at=datetime.now(UTC) - CERTAIN)
        return len(taken)

    def _claim(self, organisation: str) -> Sequence[Event]:
        """The next events, which nobody changes from here on."""
        now = datetime.now(UTC)
        events = usage_events.c
        due = sa.and_(
            _open(organisation),
            events.happened_at.between(now - OLDEST, now - self._settle),
            sa.or_(events.tried_at.is_(None), events.tried_at > now - CERTAIN),
        )
        chosen = sa.select(events.id).where(due).order_by(events.happened_at).limit(BATCH)
        claim = usage_events.update().where(events.id.in_(chosen), due)
        claim = claim.values(tried_at=sa.func.coalesce(events.tried_at, now))
        with self._begin(organisation) as connection:
            return connection.execute(claim.returning(events.id, events.quantity, events.happened_at)).all()

    def _mark(self, organisation: str, events: list[str], **marks: datetime) -> None:
        if events:
            with self._begin(organisation) as connection:
                connection.execute(usage_events.update().where(usage_events.c.id.in_(events)).values(**marks))

    def _held(self, organisation: str) -> int:
        uncertain = usage_events.c.tried_at <= datetime.now(UTC) - CERTAIN
        query = sa.select(sa.func.count()).where(_open(organisation), uncertain)
        with self._begin(organisation) as connection:
            return connection.execute(query).scalar_one()

    def _left(self, organisations: Sequence[str]) -> Backlog:
        events, due = usage_events.c, usage_events.c.happened_at <= datetime.now(UTC) - self._settle
        count, oldest = 0, None
        for organisation in organisations:
            query = sa.select(sa.func.count(), sa.func.min(events.happened_at)).where(_open(organisation), due)
            with self._begin(organisation) as connection:
                own, since = connection.execute(query).one()
            count += own
            oldest = min(filter(None, (oldest, since)), default=None)
        return Backlog(count, oldest)

    def _begin(self, organisation: str) -> AbstractContextManager[Connection]:
        return of_organisation(self._engine, organisation).begin()


def _open(organisation: str) -> sa.ColumnElement[bool]:
    """What this organisation owes for and Stripe has not confirmed."""
    events = usage_events.c
    return sa.and_(
        events.organisation == organisation,
        events.kind == Kind.QUESTIONS,
        events.reported_at.is_(None),
        events.quantity > 0,
    )


def watch_outbox(telemetry: Telemetry, outbox: Outbox | None) -> None:
    """Add the gauges of usage that Stripe does not know of; 0 where Stripe is not set up."""

    def events(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(outbox.backlog.events if outbox else 0)]

    def age(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(outbox.backlog.age_seconds() if outbox else 0.0)]

    meter = telemetry.meters.get_meter("app")
    meter.create_observable_gauge("billing.unreported", [events], description="Events that Stripe was not told of")
    meter.create_observable_gauge("billing.unreported.age", [age], "s", "How old the oldest of them is")
