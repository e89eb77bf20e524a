"""Adds the product's pages to the application; accounts, organisations, billing and the workspace come before."""

import re
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse

from app.bootstrap import Platform
from app.errors import NotFound
from app.site import account, billing, manage, operators, organisations, public, settings, tools, workspace
from app.site.failures import PageRoute, show_failures_as_pages
from app.tenancy.tenants import Tenants
from app.web.pages import PAGES, TEMPLATES
from app.workspace.flavour import chosen

# What is below an organisation and no page of it is a page that says so; it comes after all others.
elsewhere = APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)
MARK = re.compile(r"\[(\d+)\]")
ROOMS = (public, account, organisations, workspace, manage, settings, billing, tools, operators)


def mount(app: FastAPI, platform: Platform, tenants: Tenants) -> None:
    """Add every page; all templates, the landing page included, know which product this is."""
    templates: Any = TEMPLATES  # its globals are typed as those that it begins with
    templates.globals["product"] = chosen()
    templates.filters["marks"] = marks
    PAGES.pop("/feedback", None)  # the service's own; here feedback is a page of each organisation
    for room in ROOMS:
        app.include_router(room.router)
    app.include_router(tools.files)
    app.include_router(elsewhere)
    show_failures_as_pages(app)


def marks(line: str) -> list[tuple[str, str]]:
    """A line of an answer in pieces: each is text, or the number of a source whose mark `[n]` stands there."""
    pieces = MARK.split(line)
    return [("", piece) if at % 2 else (piece, "") for at, piece in enumerate(pieces)]


@elsewhere.get("/o/{path:path}")
async def nothing(path: str) -> None:
    """Tell it in the same way whatever is there for others.

    Raises:
        NotFound: always.
    """
    raise NotFound("There is no such page.", "Begin at the overview.")
