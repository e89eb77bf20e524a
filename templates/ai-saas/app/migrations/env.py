"""How Alembic runs here: on the connection that `running` opened, and only on this product's own tables."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from app.stores.database import Moment
from app.tenancy.tables import metadata


def is_own(name: str | None, kind: str, parents: object) -> bool:
    """The shared rooms' tables stand in the same database and are none of ours."""
    return kind != "table" or name in metadata.tables


def render(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:  # noqa: ANN401 - Alembic's signature
    """A moment is written as what the database keeps, so that a migration needs no code of today."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
    include_name=is_own,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
