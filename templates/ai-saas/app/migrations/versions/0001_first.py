"""The tables of the first version."""

from alembic import op

from app.tenancy.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward; the way back is a backup."""
    metadata.create_all(op.get_bind())
