"""Failures as pages: to strangers the log-in, to everybody else what happened and how to mend it."""

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.errors import AppError, Unauthorized
from app.web.pages import render

HOME = {"address": "/app", "label": "Go to the workspace"}
START = {"address": "/", "label": "To the start page"}
PRIVATE = {"Cache-Control": "no-store"}


class PageRoute(APIRoute):
    """A route for browsers; its expected failures never leave as JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with what it raises turned into pages."""
        handler = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await handler(request)
            except Unauthorized:
                return to_login(request)
            except AppError as error:
                return failure(request, error.status, error.title, str(error), error.retry_after)
            except RequestValidationError:
                return failure(request, 404, "Not found", "There is no such page.")
            except HTTPException as error:
                return failure(request, error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail))
            except sa.exc.OperationalError:
                return failure(request, 503, "Back in a moment", "The database does not answer. Try again shortly.")
            finally:
                await request.close()  # the files of a form, whoever read it

        return page


def show_failures_as_pages(app: FastAPI) -> None:
    """Give browsers that load an address a page where programs get problem JSON, unknown addresses included."""
    for kind in (AppError, HTTPException, Exception):
        app.exception_handlers[kind] = _page_or(app.exception_handlers[kind])


def _page_or(otherwise: Callable[[Request, Any], Any]) -> Callable[[Request, Any], Any]:
    """The handler of an error that looks who asks first."""

    async def handle(request: Request, error: Exception) -> Response:
        problem: Response = await otherwise(request, error)
        if "text/html" not in request.headers.get("accept", ""):
            return problem
        status = problem.status_code
        if status == HTTPStatus.NOT_FOUND and not isinstance(error, AppError):
            return failure(request, status, "Not found", "There is no such page.", link=START)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return failure(request, status, "Something went wrong", "It is not your fault, and it is on record.")
        told = str(error) if isinstance(error, AppError) else ""
        return failure(request, status, HTTPStatus(status).phrase, told)

    return handle


def to_login(request: Request) -> Response:
    """To the log-in, and from there back to where a reader wanted to go."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = "/login" if request.method != "GET" else f"/login?next={quote(wanted)}"
    if "hx-request" in request.headers:  # a part of a page cannot become the log-in
        return Response(status_code=204, headers={"HX-Redirect": "/login"})
    return RedirectResponse(address, 303, PRIVATE)


def failure(
    request: Request,
    status: int,
    heading: str,
    text: str,
    retry_after: int | None = None,
    link: Mapping[str, str] = HOME,
) -> HTMLResponse:
    """The page that says what happened, and leads on by `link`."""
    page = render(
        "site/problem.html",
        request.app.state.platform,
        status=status,
        heading=heading,
        text=text,
        link=link,
        request_id=getattr(request.state, "request_id", "") if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "",
    )
    headers = PRIVATE if retry_after is None else {**PRIVATE, "Retry-After": str(retry_after)}
    return HTMLResponse(page, status, headers)


def words(error: AppError | ValidationError) -> str:
    """What to tell above a form; fields that do not fit are named."""
    if isinstance(error, AppError):
        return str(error)
    return " ".join(f"{_field(e['loc'])}: {e['msg'].removeprefix('Value error, ')}." for e in error.errors())


def _field(location: tuple[int | str, ...]) -> str:
    return str(location[-1]).capitalize() if location else "The form"
