"""The image of a generated project, built and run by a real Docker engine.

    pytest -m container tests/projects/container

An engine that `docker info` finds is used as it is. Otherwise, on Debian as root, one is started from
Debian's packages in a temporary folder (engine.sh) with stand-ins for the images (base_images.sh, database/,
prometheus/). `SHIPFOLIO_ENGINE=FOLDER` keeps that folder and uses it again.

Qdrant, Grafana and the collector are in no Debian package, so they are not started here: test_infra_container_files.py
holds their part of compose.yaml against the specification, and test_monitoring.py what Grafana shows.
"""

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from .engine import Compose, Docker, asked, base_images, composed

LOCKED_DOWN = ("--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges")

pytestmark = [pytest.mark.container, pytest.mark.slow]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, rendered: Callable[..., Path]) -> Path:
    """A generated project, locked as `make setup` does it."""
    folder = tmp_path_factory.mktemp("project") / "demo"
    shutil.copytree(rendered("rag-platform", vector_store="pgvector"), folder)
    subprocess.run([find_uv_bin(), "lock", "--quiet"], cwd=folder, check=True, timeout=300)
    return folder


@pytest.fixture(scope="session")
def built(docker: Docker, project: Path) -> tuple[str, float]:
    """The project's image, and the seconds that building it took."""
    began = time.monotonic()
    name = docker.must("build", "--quiet", ".", cwd=project, timeout=900)
    return name, time.monotonic() - began


@pytest.fixture(scope="session")
def image(built: tuple[str, float]) -> str:
    return built[0]


@pytest.fixture(scope="module")
def container(docker: Docker, image: str) -> Iterator[str]:
    started = docker.must("run", "--detach", "--publish=127.0.0.1::8000", *LOCKED_DOWN, image)
    yield started
    docker.must("rm", "--force", "--volumes", started)


def test_becomes_healthy_read_only_and_without_capabilities(docker: Docker, container: str) -> None:
    docker.wait_healthy(container)
    address = docker.must("port", container, "8000").splitlines()[0]
    with urllib.request.urlopen(f"http://{address}/healthz", timeout=5) as answer:
        assert answer.status == 200


def test_is_not_root_and_can_write_only_where_it_should(docker: Docker, container: str) -> None:
    assert docker.must("exec", container, "id", "-u") == "10001"
    probe = "for place in / /app /home /data /tmp; do touch $place/probe 2>/dev/null && echo $place; done; true"
    assert docker.must("exec", container, "sh", "-c", probe).split() == ["/data", "/tmp"]


def test_volumes_alone_are_writable_too(docker: Docker, image: str) -> None:
    """What Fargate does: empty volumes, no tmpfs, the owner taken from the image."""
    probe = "touch /data/probe /tmp/probe && stat -c %u /data"
    assert docker.must("run", "--rm", "--read-only", "--cap-drop=all", image, "sh", "-c", probe) == "10001"


def test_image_holds_only_what_runs(docker: Docker, image: str) -> None:
    find = "find /app -maxdepth 1 -mindepth 1 | sort; command -v uv gcc; env"
    found = docker.must("run", "--rm", image, "sh", "-c", f"{find}; true")
    assert re.findall(r"^/app/(\S+)$", found, re.M) == [".venv", "evals", "prompts", "var"]
    assert not re.search(r"/uv$|/gcc$|API_KEY|PASSWORD", found, re.M)
    config = json.loads(docker.must("image", "inspect", image))[0]["Config"]
    assert config["User"] == "10001:10001"
    assert set(config["Volumes"]) == {"/data", "/tmp"}


def test_image_is_small(docker: Docker, built: tuple[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    """Our part of it: without the base image, which differs where a stand-in is used. It tells size and time."""
    image, seconds = built
    size = {name: int(docker.must("image", "inspect", "-f", "{{.Size}}", name)) for name in (image, base_images()[0])}
    ours = size[image] - size[base_images()[0]]
    with capsys.disabled():
        base = size[base_images()[0]] / 1e6
        sys.stdout.write(
            f"\nimage: {size[image] / 1e6:.0f} MB, {base:.0f} of them the base, built in {seconds:.0f} s\n"
        )
    assert ours < 330_000_000, f"{ours / 1e6:.0f} MB over the base image"


def test_base_image_can_be_another_one(docker: Docker, project: Path) -> None:
    """As a build argument, where a digest that freezes the bytes would stand too."""
    docker.must("tag", base_images()[0], "other-base:1")
    docker.must("build", "--quiet", "--build-arg=PYTHON_IMAGE=other-base:1", ".", cwd=project, timeout=900)
    refused = docker.run("build", "--build-arg=PYTHON_IMAGE=no-such-base:1", ".", cwd=project)
    assert "no-such-base:1" in refused.stderr


def test_missing_lock_file_is_named(docker: Docker, project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "demo")
    (tmp_path / "demo/uv.lock").unlink()
    done = docker.run("build", ".", cwd=tmp_path / "demo")
    assert done.returncode != 0
    assert re.search(r"uv\.lock.*not found", done.stderr)


def test_secrets_stay_out_of_the_image(docker: Docker, project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "demo")
    (tmp_path / "demo/.env").write_text("OPENAI_API_KEY=canary-value\n", encoding="utf-8")
    (tmp_path / "demo/app/.env").write_text("OPENAI_API_KEY=canary-value\n", encoding="utf-8")
    built = docker.must("build", "--quiet", ".", cwd=tmp_path / "demo")
    found = docker.must("run", "--rm", built, "sh", "-c", "grep -rl canary-value /app || echo nothing")
    assert found == "nothing"


@pytest.fixture(scope="module")
def compose(docker: Docker, project: Path) -> Iterator[Compose]:
    """`docker compose` with service, database and Prometheus up."""
    with composed(docker, project, "app", "prometheus") as command:
        yield command


def test_compose_starts_the_service_after_its_database(compose: Compose) -> None:
    assert asked(compose("port", "app", "8000"), "/readyz")["ready"]
    extension = "CREATE EXTENSION IF NOT EXISTS vector; SELECT '[1,2]'::vector"
    query = ("psql", "--username=app", "--no-align", "--tuples-only", f"--command={extension}")
    assert "[1,2]" in compose("exec", "--no-TTY", "database", *query)


def test_prometheus_collects_from_the_service_and_watches_the_alerts(compose: Compose) -> None:
    prometheus = compose("port", "prometheus", "9090")
    deadline = time.monotonic() + 60  # it collects every 15 seconds
    while not (up := asked(prometheus, "/api/v1/query?query=dependency_up")["data"]["result"]):
        assert time.monotonic() < deadline, asked(prometheus, "/api/v1/targets")
        time.sleep(1)
    assert {series["metric"]["dependency"]: series["value"][1] for series in up} == {"catalog": "1", "index": "1"}
    groups = asked(prometheus, "/api/v1/rules?type=alert")["data"]["groups"]
    alerts = {rule["name"]: rule["state"] for group in groups for rule in group["rules"]}
    assert {"DependencyDown", "RefusalsRise", "ServiceDown"} <= set(alerts)
    assert {name for name, state in alerts.items() if state == "firing"} == set()
