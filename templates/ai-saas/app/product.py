"""What this project adds to the shared rooms: a product for many organisations, each with its own data."""

from typing import TYPE_CHECKING

import typer

from app.about import ABOUT
from app.migrations.commands import migrate

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.bootstrap import Platform

HOME = "site/landing.html"
OFFLINE_MODEL = "app.llm.offline:offline_model"  # what answers without a key
OFFLINE_WORDS = "sentences copied by an extractive model, found by word and spelling alone"
SUITES = (f"app.{ABOUT.product}.evaluation:SUITE",)  # where each is; imported only by `app eval`


def mount(app: "FastAPI", platform: "Platform") -> None:
    """Add this project's calls and pages to the application, on a database that is up to date."""
    # Imported here, because the commands need no web framework, and pages stand on this module.
    from app.billing import routes as billing
    from app.migrations.running import prepare
    from app.operations.flags import Flags
    from app.organisations import opening as organisations
    from app.site import routes as site
    from app.tenancy.costs import watch_costs
    from app.tenancy.tenants import Tenants
    from app.workspace import routes as workspace

    prepare(platform.catalog.engine)
    app.state.tenants = tenants = Tenants(platform)
    app.state.platform = tenants.service()
    watch_costs(platform.telemetry, tenants.engine)
    app.state.flags = Flags(tenants.engine)
    for room in (organisations, billing, workspace, site):
        room.mount(app, platform, tenants)


def demo() -> None:
    """Sign up, upload, ask, reach the quota, upgrade, read the invoice; a second organisation sees none of it."""
    from app.demo import demo as journey  # here, because it stands on the application

    journey()


def add_commands(cli: typer.Typer) -> None:
    """Add this project's commands to `app`, and take out what reads answers and documents of the service itself."""
    from app.evals.commands import drift, due, evals  # here, because they stand on this module

    cli.command()(migrate)
    cli.command()(demo)
    # Here every answer is an organisation's: its admins read the feedback, operators see scores at /admin.
    cli.registered_groups = [group for group in cli.registered_groups if group.name != "feedback"]
    kept = [command for command in evals.registered_commands if command.callback not in (drift, due)]
    evals.registered_commands = kept
