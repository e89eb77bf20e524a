"""Every error leaves as RFC 9457 problem JSON, with the remedy and the request's id."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from app.errors import AppError
from app.stores.database import first_line

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
DATABASE_RETRY_SECONDS = 5
PROBLEMS = {
    400: "The body is no text, no JSON or no form at all",
    401: "No key, or one that is unknown or revoked",
    402: "A budget is used up, or a plan's quota",
    403: "The key lacks the scope of this call",
    404: "There is no such thing, or it is another key's",
    413: "The body is too large",
    422: "The request does not fit the schema",
    429: "The key has used up its calls for this minute; `Retry-After` says when to try again",
    503: "Too busy, or something that is needed does not answer; `Retry-After` may say when to try again",
}


class Problem(BaseModel):
    """What went wrong and how to mend it (RFC 9457)."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None


def install_problem_handlers(app: FastAPI) -> None:
    """Answer expected errors with their own status, and unexpected ones with a plain 500 that leaks nothing."""

    @app.exception_handler(AppError)
    async def expected(request: Request, error: AppError) -> JSONResponse:
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return problem(request, error.status, error.title, str(error), headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        details = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
        return problem(request, 422, "Invalid request", details)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        title = HTTPStatus(error.status_code).phrase
        headers = error.headers or {}
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {**headers, "Allow": ", ".join(_methods(request))}
        return problem(request, error.status_code, title, str(error.detail), headers)

    @app.exception_handler(sa.exc.OperationalError)
    async def database_away(request: Request, error: sa.exc.OperationalError) -> JSONResponse:
        log.error("the database does not answer", path=request.url.path, error=first_line(error))
        detail = "The database does not answer. Try again in a moment; /readyz says more."
        headers = {"Retry-After": str(DATABASE_RETRY_SECONDS)}
        return problem(request, 503, "Database unavailable", detail, headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("unexpected error", path=request.url.path, exc_info=error)
        return problem(request, 500, "Internal error", "The error was logged under this request id.")


def _methods(request: Request) -> list[str]:
    """What may be done at this path by all routes together; the framework names those of the first."""
    paths = request.app.openapi()["paths"].items()
    matching = [methods for path, methods in paths if compile_path(path)[0].match(request.url.path)]
    return sorted(method.upper() for methods in matching for method in methods)


def problem(
    request: Request, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem document for this request."""
    request_id = getattr(request.state, "request_id", None)
    body = Problem(title=title, status=status, detail=detail, instance=request.url.path, request_id=request_id)
    challenge = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    return JSONResponse(body.model_dump(), status, {**challenge, **(headers or {})}, media_type=MEDIA_TYPE)


def declare_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """Add to every call of an OpenAPI document below /v1 the problems that any of them may answer."""
    schemas = schema["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema()
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in schema["paths"].items():
        statuses = [s for s in PROBLEMS if s != HTTPStatus.NOT_FOUND or "{" in path] if path.startswith("/v1/") else []
        for operation in operations.values():
            problems = {str(s): {"description": PROBLEMS[s], "content": content} for s in statuses}
            operation["responses"].update(problems)
    return schema
