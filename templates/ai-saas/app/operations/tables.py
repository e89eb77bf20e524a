"""The table of switched features: rows are only added, so it is the state and its history at once."""

import sqlalchemy as sa

from app.stores.database import Moment
from app.tenancy.scope import ID_LENGTH
from app.tenancy.tables import metadata

# Not guarded: it is read before the organisation is known, and says nothing of what one keeps.
flag_changes = sa.Table(
    "flag_change",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("flag", sa.String(40), nullable=False),
    sa.Column("organisation", sa.String(ID_LENGTH), sa.ForeignKey("tenant.id", ondelete="CASCADE"), index=True),
    sa.Column("enabled", sa.Boolean),  # null: as if it had never been switched
    sa.Column("actor", sa.String(40), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
)
