"""The SaaS under a real Docker engine: compose migrates PostgreSQL before it serves, the image holds all it needs."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from .engine import Compose, Docker, asked, composed

pytestmark = [pytest.mark.container, pytest.mark.slow]


@pytest.fixture(scope="module")
def compose(
    docker: Docker, rendered: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Compose]:
    folder = shutil.copytree(rendered("ai-saas"), tmp_path_factory.mktemp("saas") / "saas")
    subprocess.run([find_uv_bin(), "lock", "--quiet"], cwd=folder, check=True, timeout=300)
    with composed(docker, folder, "app") as command:
        yield command


def test_the_database_is_migrated_before_the_service_starts(compose: Compose) -> None:
    assert asked(compose("port", "app", "8000"), "/readyz")["ready"]
    state = json.loads(compose("ps", "--all", "--format=json", "migrate").splitlines()[0])
    assert (state["State"], state["ExitCode"]) == ("exited", 0)
    query = "SELECT version_num FROM alembic_version"
    psql = ("psql", "--username=app", "--no-align", "--tuples-only", f"--command={query}")
    assert compose("exec", "--no-TTY", "database", *psql).isdigit()


def test_migrating_again_finds_nothing_to_do(compose: Compose) -> None:
    assert "up to date" in compose("exec", "--no-TTY", "app", "app", "migrate")


def test_the_pages_are_in_the_image(compose: Compose) -> None:
    address = compose("port", "app", "8000")
    for path in ("/", "/pricing", "/signup"):
        with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
            assert answer.status == 200


def test_the_demo_runs_in_the_image(compose: Compose) -> None:
    """From sign-up to invoice: samples, plans, migrations, prompts and pages are there."""
    assert "USD" in compose("exec", "--no-TTY", "app", "app", "demo")
