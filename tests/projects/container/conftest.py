"""One Docker engine for all container tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .engine import CAN_START_ENGINE, Docker, start_engine, stop_engine


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
