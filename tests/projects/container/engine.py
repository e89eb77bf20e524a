"""A Docker engine to test with: the machine's, or one of our own from Debian's packages (engine.sh, base_images.sh)."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uv import find_uv_bin

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[3] / "templates/_shared"
CAN_START_ENGINE = os.geteuid() == 0 and bool(shutil.which("apt-get") and shutil.which("dpkg"))


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


def compose_image(name: str) -> str:
    """The image that compose.yaml names for a service of ours that Debian has too."""
    text = (SHARED / "compose.yaml").read_text(encoding="utf-8")
    return re.findall(rf"^  {name}:\n(?:    .*\n)*?    image: (\S+)", text, re.M)[0]


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
    for name in ("database", "prometheus"):
        if docker.run("image", "inspect", compose_image(name)).returncode != 0:
            docker.must("build", "--quiet", f"--tag={compose_image(name)}", ".", cwd=HERE / name, timeout=300)
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


Compose = Callable[..., str]
# Any free port: 8000 may be taken on this machine.
PUBLISHED = """
services:
  app:
    ports: !override ['127.0.0.1::8000']
  prometheus:
    ports: !override ['127.0.0.1::9090']
"""


@contextmanager
def composed(docker: Docker, project: Path, *services: str) -> Iterator[Compose]:
    """`docker compose` for the project, with these services and what they need up."""
    files = ("--file=compose.yaml", "--file=published.yaml", "--profile=monitoring")
    command = ("compose", f"--project-name=shipfolio-{project.name}", *files)
    (project / "published.yaml").write_text(PUBLISHED, encoding="utf-8")
    try:
        up = docker.run(*command, "up", "--build", "--wait", "--wait-timeout=120", *services, cwd=project, timeout=600)
        assert up.returncode == 0, docker.run(*command, "logs", "--no-color", cwd=project).stdout + up.stderr
        yield lambda *arguments: docker.must(*command, *arguments, cwd=project)
    finally:
        docker.must(*command, "down", "--volumes", cwd=project)


def asked(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
        return json.load(answer)
