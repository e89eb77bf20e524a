"""Alive, ready, measured: the three calls an operator's tools make."""

from collections.abc import Callable
from typing import Literal

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.api.dependencies import PlatformDep

router = APIRouter(tags=["operations"])


class Alive(BaseModel):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether each dependency answers; a failed one carries its reason. `providers` are the states of the breakers.

    A paused provider makes nothing unready: the fallback answers, or sentences are copied from the passages.
    """

    ready: bool
    dependencies: dict[str, str]
    providers: dict[str, str]
    model: str


@router.get("/healthz")
async def healthz() -> Alive:
    """Alive: restart the process when this fails."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(platform: PlatformDep, response: Response) -> Readiness:
    """Ready: send no traffic while this answers 503."""
    checks: dict[str, Callable[[], None]] = {"catalog": platform.catalog.ping, "index": platform.index.ping}
    states = {name: await to_thread.run_sync(_state, check) for name, check in checks.items()}
    providers = {name: state.value for name, state in platform.gateway.states().items()}
    ready = all(state == "ok" for state in states.values())
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, dependencies=states, providers=providers, model=platform.model.model_name)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """All metrics in Prometheus text format, of every worker where there are several."""
    text = await to_thread.run_sync(request.app.state.exposition)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever broke, the operator wants its name here
        return f"failed: {type(error).__name__}: {error}"
    return "ok"
