"""The tables of billing: the ledger of usage, its counters, which plan was in force since when, and Stripe's side."""

import sqlalchemy as sa

from app.billing.plans import Kind
from app.stores.database import Moment
from app.tenancy.scope import ID_LENGTH
from app.tenancy.tables import GUARDED, metadata, organisation_column

KIND = sa.Enum(Kind, native_enum=False, length=16, values_callable=lambda kinds: [kind.value for kind in kinds])

OUTBOX = sa.text("reported_at IS NULL AND kind = 'questions'")


def _owner(*, primary_key: bool = False) -> sa.Column[str]:
    """Whose row it is, where a key or index that begins with it is there already: events are many."""
    tenant = sa.ForeignKey("tenant.id", ondelete="CASCADE")
    return sa.Column("organisation", sa.String(ID_LENGTH), tenant, primary_key=primary_key, nullable=False)


# Ledger and outbox in one: what was used, and whether Stripe has been told. `quantity` 0 is an event that was given
# back. `tried_at` is set before Stripe is told, `reported_at` after.
usage_events = sa.Table(
    "usage_event",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    _owner(),
    sa.Column("kind", KIND, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("happened_at", Moment, nullable=False),
    sa.Column("tried_at", Moment),
    sa.Column("reported_at", Moment),
    # All that an invoice and the charts read, so that neither touches the rows themselves.
    sa.Index("usage_event_by_day", "organisation", "day", "kind", "quantity"),
    # What the outbox looks for: few rows among many.
    sa.Index("usage_event_unreported", "organisation", "happened_at", sqlite_where=OUTBOX, postgresql_where=OUTBOX),
    info=GUARDED,
)
# What the events of a month add up to, or of all time (`month` is empty) for what is kept.
usage_counters = sa.Table(
    "usage_counter",
    metadata,
    _owner(primary_key=True),
    sa.Column("month", sa.String(7), primary_key=True),
    sa.Column("kind", KIND, primary_key=True),
    sa.Column("used", sa.BigInteger, nullable=False),
    info=GUARDED,
)
# Only added to: the newest row is the plan in force, whatever order the news came in.
plan_changes = sa.Table(
    "plan_change",
    metadata,
    _owner(primary_key=True),
    sa.Column("since", Moment, primary_key=True),
    sa.Column("plan", sa.String(20), nullable=False),
    info=GUARDED,
)
# Not guarded: found by the customer in an event that Stripe signed, before the organisation is known.
stripe_customers = sa.Table(
    "stripe_customer",
    metadata,
    organisation_column(primary_key=True),
    sa.Column("customer", sa.String(100), nullable=False, index=True),
)
# Which of Stripe's events were applied: each is, once. They are Stripe's, not an organisation's.
stripe_events = sa.Table(
    "stripe_event",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("type", sa.String(100), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
)
