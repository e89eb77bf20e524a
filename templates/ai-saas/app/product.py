"""What this project adds to the shared rooms: a product for many organisations, each with its own data."""

import typer
from fastapi import FastAPI

from app.about import ABOUT
from app.billing import routes as billing
from app.bootstrap import Platform
from app.migrations.commands import migrate
from app.migrations.running import prepare
from app.organisations import opening as organisations
from app.tenancy.tenants import Tenants
from app.workspace import routes as workspace
from app.workspace.flavour import suite_of

HOME = "site/landing.html"
OFFLINE_MODEL = "app.llm.offline:offline_model"  # what answers without a key
OFFLINE_WORDS = "sentences copied by an extractive model, found by word and spelling alone"
SUITES = (suite_of(ABOUT.product),)  # where each is; imported only by `app eval`


def mount(app: FastAPI, platform: Platform) -> None:
    """Add this project's calls and pages to the application, on a database that is up to date."""
    from app.site import routes as site  # here, because pages stand on this module

    prepare(platform.catalog.engine)
    app.state.tenants = tenants = Tenants(platform)
    app.state.platform = tenants.service()
    for room in (organisations, billing, workspace, site):
        room.mount(app, platform, tenants)


def add_commands(cli: typer.Typer) -> None:
    """Add this project's commands to `app`."""
    from app.demo import demo  # here, because it stands on the application

    cli.command()(migrate)
    cli.command()(demo)
