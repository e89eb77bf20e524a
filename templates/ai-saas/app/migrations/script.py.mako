"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = "${up_revision}"
down_revision = "${down_revision}"


def upgrade() -> None:
    """Forward; the way back is a backup."""
    ${upgrades if upgrades else "pass"}
