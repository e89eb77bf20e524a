"""Releases in the service's database: where the files are part of an image, every replica serves by these at once."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from app.prompts.registry import PromptRegistry, Release
from app.stores.database import Moment, first_line, metadata

POLL_SECONDS = 2.0  # how often a service looks for live releases

log = structlog.get_logger()

live_releases = sa.Table(
    "prompt_release",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("registry", sa.String(64), nullable=False),  # the table of releases that it was decided on
    sa.Column("prompt", sa.String(200), nullable=False),
    sa.Column("stable", sa.String(50), nullable=False),
    sa.Column("previous", sa.String(50)),
    sa.Column("canary", sa.String(50)),
    sa.Column("percent", sa.Float, nullable=False),
    sa.Column("since", Moment),
    sa.Column("what", sa.Text, nullable=False),  # what was done, and why
    sa.Column("decided_at", Moment, nullable=False),
    sa.Index("prompt_release_registry", "registry", "prompt"),
)


class LiveReleases:
    """Releases decided while a service runs. Each holds for one registry: another one that is deployed ends it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, registry: str) -> Mapping[str, Release]:
        """The last release of each prompt that was decided on the registry with this digest."""
        same = live_releases.c.registry == registry
        newest = sa.select(sa.func.max(live_releases.c.id)).where(same).group_by(live_releases.c.prompt)
        query = live_releases.select().where(live_releases.c.id.in_(newest))
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["prompt"]: Release(**{name: row[name] for name in Release.model_fields}) for row in rows}

    def add(self, registry: str, prompt: str, release: Release, what: str, now: datetime) -> None:
        """Let a release hold from now on; earlier ones stay as the history."""
        row = {"registry": registry, "prompt": prompt, "what": what, "decided_at": now, **release.model_dump()}
        with self._engine.begin() as connection:
            connection.execute(live_releases.insert().values(row))


@contextmanager
def following(registry: PromptRegistry, live: LiveReleases, seconds: float = POLL_SECONDS) -> Iterator[None]:
    """Let a registry take up live releases, now and every few seconds while the block runs.

    A thread of its own looks, because a slow database must not hold up answers; without one the last releases go on.
    """
    done = threading.Event()

    def look_again(trouble: str) -> None:
        while not done.wait(seconds):
            trouble = _look(registry, live, trouble)

    thread = threading.Thread(target=look_again, args=(_look(registry, live),), name="live prompts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(seconds)


def _look(registry: PromptRegistry, live: LiveReleases, trouble: str = "") -> str:
    """Look once; return what the database said where it failed, which is logged unless it is the `trouble` before."""
    try:
        if registry.read_live(live.read):
            served = [prompt.label for prompt in registry.served()]
            log.info("live prompt releases read", live=sorted(registry.live()), served=served)
    except sa.exc.SQLAlchemyError as error:
        told = first_line(error)
        if told != trouble:
            log.error("live prompt releases cannot be read, the last ones go on", error=told)
        return told
    return ""
