"""`app keys`: make, list and revoke API keys."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from app.console import talk
from app.scopes import Scope
from app.settings import load_settings
from app.stores.catalog import Catalog

SQLITE = "sqlite:///"

keys = typer.Typer(help="API keys for /v1.", no_args_is_help=True)


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use the key.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may do; repeat for several.")] = None,
) -> None:
    """Make a key and print it once; only its hash is stored. Without --scope it may do all but administer."""
    with open_catalog() as catalog:
        secret = catalog.keys.create(name, scope or [s for s in Scope if s is not Scope.ADMIN])
    talk.print("Keep it now, it is not shown again:")
    print(secret)


@keys.command("list")
def list_keys() -> None:
    """Show all keys without their secrets."""
    with open_catalog() as catalog:
        known = catalog.keys.records()
    for key in known:
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "live"
        scopes = ",".join(sorted(key.caller.scopes))
        print(f"{key.caller.id}  {key.created_at:%Y-%m-%d}  {state:<18}  {scopes:<22}  {key.caller.name}")


@keys.command()
def revoke(identifier: Annotated[str, typer.Argument(help="The id that `app keys list` shows.")]) -> None:
    """Refuse a key from now on."""
    with open_catalog() as catalog:
        catalog.keys.revoke(identifier)
    print(f"revoked {identifier}")


def open_catalog() -> closing[Catalog]:
    """The catalog that the settings name, closed at the end of the block; the first command makes its folder."""
    url = load_settings().store.url
    if url.startswith(SQLITE):
        Path(url.removeprefix(SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    return closing(Catalog(url))
