"""The image of a generated project, built and run by a real Docker engine.

    pytest -m container tests/projects/container

An engine that `docker info` finds is used as it is. Otherwise, on Debian as root, one is started from
Debian's packages in a temporary folder (engine.sh) with stand-ins for the base images (base_images.sh,
database/). `SHIPFOLIO_ENGINE=FOLDER` keeps that folder and uses it again.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[3] / "templates/_shared"
LOCKED_DOWN = ("--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges")
CAN_START_ENGINE = os.geteuid() == 0 and bool(shutil.which("apt-get") and shutil.which("dpkg"))

pytestmark = [pytest.mark.container, pytest.mark.slow]


class Docker:
    """The docker client, talking to one engine."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def run(self, *arguments: str, cwd: Path | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """The finished `docker ARGUMENTS`; a non-zero exit does not raise."""
        return subprocess.run(
            ["docker", *arguments],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def must(self, *arguments: str, cwd: Path | None = None, timeout: float = 300) -> str:
        """The output of `docker ARGUMENTS`; fails the test on a non-zero exit."""
        done = self.run(*arguments, cwd=cwd, timeout=timeout)
        assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def wait_healthy(self, container: str, seconds: float = 90) -> None:
        """Return when the container's HEALTHCHECK says healthy; fail with its log when it does not."""
        deadline = time.monotonic() + seconds
        while (state := self.must("inspect", "-f", "{{.State.Health.Status}}", container)) != "healthy":
            log = self.run("logs", container)
            assert state == "starting", f"{state}\n{log.stdout}\n{log.stderr}"
            assert time.monotonic() < deadline, f"not healthy in {seconds} s\n{log.stdout}\n{log.stderr}"
            time.sleep(0.5)


def base_images() -> tuple[str, str]:
    """The two base images as the Dockerfile names them."""
    text = (SHARED / "Dockerfile").read_text(encoding="utf-8")
    return re.findall(r"ARG PYTHON_IMAGE=(\S+)", text)[0], re.findall(r"ARG UV_IMAGE=(\S+)", text)[0]


def database_image() -> str:
    """The database's image as compose.yaml names it."""
    return re.findall(r"image: (\S+)", (SHARED / "compose.yaml").read_text(encoding="utf-8"))[0]


def start_engine(folder: Path) -> Docker:
    """An engine of our own in `folder` with the base images in it; one that already runs is used again."""
    bin_folders = f"{folder}/root/usr/sbin:{folder}/root/usr/bin:{os.environ['PATH']}"
    variables = {
        "PATH": bin_folders,
        "DOCKER_CONFIG": str(folder),
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
    }
    docker = Docker({**os.environ, **variables})
    if not (folder / "env.sh").exists() or docker.run("info").returncode != 0:
        subprocess.run(["sh", HERE / "engine.sh", folder], check=True, timeout=300)
    if docker.run("image", "inspect", *base_images()).returncode != 0:
        subprocess.run(["sh", HERE / "base_images.sh", folder, *base_images(), find_uv_bin()], check=True, timeout=300)
    if docker.run("image", "inspect", database_image()).returncode != 0:
        docker.must("build", "--quiet", f"--tag={database_image()}", ".", cwd=HERE / "database", timeout=300)
    return docker


def stop_engine(folder: Path) -> None:
    """End the engine in `folder` and remove the folder, about 1 GB."""
    pid_file = folder / "docker.pid"
    os.kill(int(pid_file.read_text(encoding="utf-8")), signal.SIGTERM)
    for _ in range(60):
        if not pid_file.exists():
            break
        time.sleep(0.5)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    own = Docker(dict(os.environ))
    if shutil.which("docker") and own.run("info").returncode == 0:
        yield own
        return
    if not CAN_START_ENGINE:
        pytest.skip("CONTAINERS NOT CHECKED: needs a Docker engine, or root on Debian to start one")
    kept = os.environ.get("SHIPFOLIO_ENGINE")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("engine")
    yield start_engine(folder)
    if not kept:
        stop_engine(folder)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, rendered: Callable[..., Path]) -> Path:
    """A generated project, locked as `make setup` does it."""
    folder = tmp_path_factory.mktemp("project") / "demo"
    shutil.copytree(rendered("rag-platform", vector_store="pgvector"), folder)
    subprocess.run([find_uv_bin(), "lock", "--quiet"], cwd=folder, check=True, timeout=300)
    return folder


@pytest.fixture(scope="session")
def image(docker: Docker, project: Path) -> str:
    return docker.must("build", "--quiet", ".", cwd=project, timeout=900)


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


def test_image_is_small(docker: Docker, image: str) -> None:
    """Our part of it: without the base image, which differs where a stand-in is used."""
    size = {name: int(docker.must("image", "inspect", "-f", "{{.Size}}", name)) for name in (image, base_images()[0])}
    ours = size[image] - size[base_images()[0]]
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


def test_compose_starts_the_service_after_its_database(docker: Docker, project: Path) -> None:
    compose = ("compose", "--project-name=shipfolio-test", "--file=compose.yaml", "--file=published.yaml")
    # Any free port: 8000 may be taken on this machine.
    published = "services:\n  app:\n    ports: !override ['127.0.0.1::8000']\n"
    (project / "published.yaml").write_text(published, encoding="utf-8")
    try:
        up = docker.run(*compose, "up", "--build", "--wait", "--wait-timeout=120", cwd=project, timeout=300)
        assert up.returncode == 0, docker.run(*compose, "logs", "--no-color", cwd=project).stdout + up.stderr
        address = docker.must(*compose, "port", "app", "8000", cwd=project)
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=5) as answer:
            assert answer.status == 200
        extension = "CREATE EXTENSION IF NOT EXISTS vector; SELECT '[1,2]'::vector"
        query = ("psql", "--username=app", "--no-align", "--tuples-only", f"--command={extension}")
        assert "[1,2]" in docker.must(*compose, "exec", "--no-TTY", "database", *query, cwd=project)
    finally:
        docker.must(*compose, "down", "--volumes", cwd=project)
