"""Adds the product's pages to the application; accounts, organisations, billing and the workspace come before."""

from fastapi import FastAPI

from app.bootstrap import Platform
from app.site import account, billing, manage, operators, organisations, public, settings, tools, workspace
from app.tenancy.tenants import Tenants
from app.web.pages import TEMPLATES
from app.workspace.flavour import chosen

ROOMS = (public, account, organisations, workspace, manage, settings, billing, tools, operators)


def mount(app: FastAPI, platform: Platform, tenants: Tenants) -> None:
    """Add every page; all templates, the landing page included, know which product this is."""
    TEMPLATES.globals["product"] = chosen()
    for room in ROOMS:
        app.include_router(room.router)
