"""Builds the HTTP application: the shared calls, and what the project adds to them."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from app import product
from app.about import ABOUT
from app.api import feedback, health, reference
from app.api.limits import RateLimiter, RequestLimits
from app.api.middleware import RequestFrame
from app.api.problems import declare_problems, install_problem_handlers
from app.bootstrap import Platform
from app.settings import APISettings
from app.web import evaluation, pages


class Service(FastAPI):
    """FastAPI whose OpenAPI document also tells of problems."""

    def openapi(self) -> dict[str, Any]:
        """The document at /openapi.json."""
        return declare_problems(super().openapi())


def create_app(platform: Platform) -> FastAPI:
    """The service around an open platform; the caller closes the platform after the server has stopped."""
    app = Service(
        title=ABOUT.name,
        description=ABOUT.description,
        version=ABOUT.version,
        docs_url=None,  # its viewer comes from the internet; `reference` serves a page of our own
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        telemetry={
            "tracer_provider": platform.telemetry.tracers,
            "meter_provider": platform.telemetry.meters,
            "logs": False,
            "operation_spans": False,
        },
    )
    app.state.platform = platform
    app.state.exposition = platform.telemetry.exposition
    app.state.rate_limiter = RateLimiter(platform.settings.api.requests_per_minute)
    _add_middleware(app, platform.settings.api)
    install_problem_handlers(app)
    app.include_router(health.router)
    app.include_router(feedback.router, prefix="/v1")
    reference.mount(app)
    pages.mount(app)
    if pages.shows_evals(platform.settings):
        evaluation.mount(app)
    product.mount(app, platform)
    return app


def _add_middleware(app: FastAPI, settings: APISettings) -> None:
    """From the inside out: limits, then permission for foreign pages, then the frame around every request."""
    app.add_middleware(RequestLimits, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "traceparent"],
            expose_headers=["X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "Location"],
        )
    app.add_middleware(RequestFrame)


def _operation_id(route: APIRoute) -> str:
    """The handler's name: what a generated client calls its method."""
    return route.name
