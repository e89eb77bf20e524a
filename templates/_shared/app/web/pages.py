"""The page at `/` and its static files. Neither holds the project's data, so neither asks for a key."""

from pathlib import Path

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app import product
from app.about import ABOUT
from app.bootstrap import Platform
from app.llm.factory import is_offline
from app.settings import Settings

WEB = Path(__file__).parent
PAGES = {"/": "Home", "/evals": "Evaluation", "/feedback": "Feedback"}
TEMPLATES = Environment(
    loader=FileSystemLoader(WEB / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
# Ask again each time, by ETag: after a deploy no browser mixes old scripts with a new page.
REVALIDATE = {"Cache-Control": "no-cache"}


class StaticAssets(StaticFiles):
    """Styles, scripts and icons under `/static`; paths that leave the folder answer 404."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 304 without a body while the browser's copy is current."""
        response = await super().get_response(path, scope)
        response.headers.update(REVALIDATE)
        return response


def mount(app: FastAPI) -> None:
    """Add `GET /` and `/static`."""
    app.mount("/static", StaticAssets(directory=WEB / "static"))
    app.add_api_route("/", home, response_class=HTMLResponse, include_in_schema=False)
    app.add_api_route("/feedback", feedback, response_class=HTMLResponse, include_in_schema=False)


async def home(request: Request) -> HTMLResponse:
    """The project's page; what it shows comes later, by calls to /v1 that carry the reader's key."""
    platform: Platform = request.app.state.platform
    return HTMLResponse(render(product.HOME, platform, page="/"), headers=REVALIDATE)


async def feedback(request: Request) -> HTMLResponse:
    """What readers said, for whoever reviews it; it comes by a call that carries a key with the scope `admin`."""
    platform: Platform = request.app.state.platform
    quality = platform.settings.quality
    page = render("feedback.html", platform, page="/feedback", kept=quality.content, days=quality.keep_days)
    return HTMLResponse(page, headers=REVALIDATE)


def render(template: str, platform: Platform, **content: object) -> str:
    """The HTML of one page; `content` is what only this page shows."""
    return TEMPLATES.get_template(template).render(
        about=ABOUT,
        model=platform.model.model_name,
        offline=is_offline(platform.settings.llm),
        pages={path: label for path, label in PAGES.items() if path != "/evals" or shows_evals(platform.settings)},
        **content,
    )


def shows_evals(settings: Settings) -> bool:
    """Whether there is a page at `/evals`."""
    return bool(product.SUITES) and settings.api.evals_page
