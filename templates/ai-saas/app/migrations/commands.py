"""`app migrate`: before a new version of the service runs on PostgreSQL; and to write a migration."""

from contextlib import closing
from typing import Annotated

import typer

from app.settings import load_settings
from app.stores.commands import open_catalog


def migrate(
    new: Annotated[str, typer.Option(help="Write a migration of this name instead, from what the tables say.")] = "",
) -> None:
    """Bring the database up to date; on PostgreSQL also separate the organisations in every table."""
    from app.bootstrap import build_index  # here, because the other commands need neither this nor Alembic
    from app.migrations.running import migrate as migrate_database
    from app.migrations.running import write_migration

    with open_catalog() as catalog, closing(build_index(load_settings())):
        if new:
            print(write_migration(catalog.engine, new))
            return
        migrate_database(catalog.engine)
    print("The database is up to date.")
