"""The page at `/docs`: every call of the service, written by the server from its own OpenAPI document."""

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

from app.bootstrap import Platform
from app.web.pages import render


def mount(app: FastAPI) -> None:
    """Add `GET /docs`."""
    app.add_api_route("/docs", reference, response_class=HTMLResponse, include_in_schema=False)


async def reference(request: Request) -> HTMLResponse:
    """The calls, grouped as the document orders them; no script, nothing from the internet."""
    platform: Platform = request.app.state.platform
    return HTMLResponse(render("reference.html", platform, api=request.app.openapi()))
