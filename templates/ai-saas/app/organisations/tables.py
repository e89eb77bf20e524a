"""The tables of organisations. Only the audit log is read when the organisation is known, so only it is guarded."""

import sqlalchemy as sa

from app.stores.database import Moment
from app.tenancy.scope import ID_LENGTH
from app.tenancy.tables import GUARDED, metadata, organisation_column

organisations = sa.Table(
    "organisation",
    metadata,
    sa.Column("id", sa.String(ID_LENGTH), sa.ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
)
members = sa.Table(
    "member",
    metadata,
    organisation_column(primary_key=True),
    sa.Column("user", sa.String(ID_LENGTH), sa.ForeignKey("user_account.id"), primary_key=True, index=True),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("joined_at", Moment, nullable=False),
)
invitations = sa.Table(
    "invitation",
    metadata,
    sa.Column("id", sa.String(ID_LENGTH), primary_key=True),
    organisation_column(),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("accepted_at", Moment),
)
organisation_keys = sa.Table(
    "organisation_key",
    metadata,
    sa.Column("id", sa.String(ID_LENGTH), primary_key=True),
    organisation_column(),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("scopes", sa.String(200), nullable=False),  # names with spaces between
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
)
audit_entries = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    organisation_column(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", sa.String(40), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("target", sa.String(500), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    info=GUARDED,
)
