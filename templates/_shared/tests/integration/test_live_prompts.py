"""What is released live reaches every service on the database: no file changes, no restart, until a new registry."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from typer.testing import CliRunner

from app.bootstrap import Platform, open_platform
from app.cli import cli
from app.errors import InvalidInput
from app.prompts.live import POLL_SECONDS, LiveReleases, following, live_releases
from app.prompts.registry import PromptRegistry, Release
from app.settings import Settings, StoreSettings
from app.stores.catalog import Catalog
from tests.unit.prompt_folder import release, write
from tests.unit.test_prompt_rollout import evaluate

SERVED = 'stable: "2", previous: "1"'
STARTED_WITHIN = 20.0  # seconds that a second process may take on a busy machine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prompts of an image, in which version 2 is served, and commands that use them and the service's database."""
    folder = tmp_path / "prompts"
    folder.mkdir()
    write(folder, versions="123", registry=SERVED)
    monkeypatch.setenv("APP_PROMPTS_DIR", str(folder))
    monkeypatch.setenv("APP_STORE__URL", f"sqlite:///{tmp_path}/app.db")
    return folder


@pytest.fixture
def service(folder: Path) -> Iterator[Platform]:
    """A service that runs."""
    with open_platform(Settings(prompts_dir=folder, store=StoreSettings(url=os.environ["APP_STORE__URL"]))) as platform:
        yield platform


@pytest.fixture
def live(folder: Path) -> Iterator[LiveReleases]:
    with closing(Catalog(os.environ["APP_STORE__URL"])) as catalog:
        yield LiveReleases(catalog.engine)


def app(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["prompts", *arguments])
    if done.exception:
        raise done.exception
    return done.stdout


def looked(folder: Path, live: LiveReleases) -> PromptRegistry:
    """Another replica, which has looked into the database."""
    registry = PromptRegistry(folder)
    registry.read_live(live.read)
    return registry


def test_a_running_service_follows_a_rollback_of_another_process(folder: Path, service: Platform) -> None:
    assert service.prompts.choose("greet", "ada").label == "greet@2"
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    command = [sys.executable, "-m", "app.cli", "prompts", "rollback", "greet", "--live", "--reason", "it insults"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    assert done.stdout == "greet@2 is not served any more, greet@1 is.\n"
    until = time.monotonic() + POLL_SECONDS + STARTED_WITHIN
    while service.prompts.choose("greet", "ada").label != "greet@1":
        assert time.monotonic() < until, "the service does not follow"
        time.sleep(0.05)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert "greet@1                  stable, live " in app("list")
    with service.catalog.engine.connect() as connection:
        assert connection.scalars(sa.select(live_releases.c.what)).all() == ["greet@2 rolled back: it insults"]


def test_a_canary_goes_live_and_is_held_as_any_other(folder: Path, live: LiveReleases) -> None:
    evaluate(folder, "greet@3")
    app("promote", "greet@3", "--live")
    assert "greet@3                  canary 10 %, live " in app("list")
    with pytest.raises(InvalidInput, match=r"0\.0 of 24 hours"):
        app("promote", "greet@3", "--percent", "50", "--live")
    app("promote", "greet@3", "--percent", "100", "--live", "--reason", "nobody waits in a test")
    assert looked(folder, live).choose("greet", "ada").label == "greet@3"
    app("rollback", "greet", "--live")
    assert looked(folder, live).choose("greet", "ada").label == "greet@2"
    assert PromptRegistry(folder).choose("greet", "ada").label == "greet@2", "the files never said else"


def test_a_registry_that_is_deployed_later_ends_it(folder: Path, live: LiveReleases) -> None:
    app("rollback", "greet", "--live")
    replica = looked(folder, live)
    assert replica.choose("greet", "ada").label == "greet@1"
    (folder / "registry.yaml").write_text(f"# a remark\nprompts: {{greet: {{{SERVED}}}}}\n", "utf-8")
    assert looked(folder, live).choose("greet", "ada").label == "greet@1", "a remark releases nothing"
    release(folder, 'stable: "3", previous: "2"')
    assert looked(folder, live).choose("greet", "ada").label == "greet@3"
    assert replica.choose("greet", "ada").label == "greet@3", "at once, before it looks again"
    assert replica.live() == {}
    assert "live" not in app("list")


def test_a_version_that_this_image_lacks_is_not_served(folder: Path, live: LiveReleases) -> None:
    live.add(PromptRegistry(folder).digest, "greet", Release(stable="9"), "by hand", datetime.now(UTC))
    with structlog.testing.capture_logs() as logs:
        assert looked(folder, live).choose("greet", "ada").label == "greet@2"
    assert [entry["log_level"] for entry in logs] == ["error"]


def test_a_database_that_is_away_leaves_the_last_releases_in_force(folder: Path, live: LiveReleases) -> None:
    app("rollback", "greet", "--live")
    registry = PromptRegistry(folder)
    with following(registry, live, seconds=0.01), structlog.testing.capture_logs() as logs:
        with closing(Catalog(os.environ["APP_STORE__URL"])) as catalog:
            live_releases.drop(catalog.engine)
        until = time.monotonic() + STARTED_WITHIN
        while not logs and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)
        assert registry.choose("greet", "ada").label == "greet@1"
    (told,) = logs
    assert "no such table" in told["error"], "once, not at every look"


def test_without_a_database_the_list_shows_the_files_and_makes_none(folder: Path) -> None:
    assert "greet@2                  stable  " in app("list")
    assert not (folder.parent / "app.db").exists()


def test_files_that_cannot_be_written_point_to_the_database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", read_only)
    refused = CliRunner().invoke(cli, ["prompts", "rollback", "greet"]).exception
    assert f"{folder} cannot be written: Read-only file system" in str(refused)
    assert "`--live`" in str(refused)
