"""The drills of generated projects: each runs as its runbook says, and fails when the service does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .served_project import environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def used(rendered: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project for all, so that Python compiles its modules once."""
    return shutil.copytree(rendered("rag-platform"), tmp_path_factory.mktemp("drills") / "project")


@pytest.fixture
def project(used: Path, tmp_path: Path) -> Path:
    return shutil.copytree(used, tmp_path / "project")


def drill(project: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Run it with this Python, which has what `make setup` would install."""
    command = [sys.executable, "-m", "drills", name]
    return subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, timeout=400)


def break_(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


DRILLS = {
    "provider-outage": ("ProviderPaused fires", "ProviderPaused is quiet"),
    "quality-drop": ("RefusalsRise fires", "RefusalsRise is quiet"),
    "database-down": ("DependencyDown fires", "DependencyDown is quiet"),
    "budget": ("BudgetGone fires", "both alerts are quiet"),
}


def test_the_database_of_a_product_with_logins_goes_and_comes_back(
    rendered: Callable[..., Path], tmp_path: Path
) -> None:
    """Migrated first, with a key of the service's own."""
    done = drill(shutil.copytree(rendered("ai-saas"), tmp_path / "saas"), "database-down")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MISSING" not in done.stdout


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_shows_the_alert_and_the_recovery(used: Path, name: str) -> None:
    done = drill(used, name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if " s  " in line]
    seen = [next(n for n, line in enumerate(lines) if mark in line) for mark in DRILLS[name]]
    assert seen == sorted(seen)
    assert not any("MISSING" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "missing"),
    [
        pytest.param(
            "provider-outage", "app/answering/writing.py", "            if shown:\n", "            if not shown:\n",
            "copied from the passages", id="nothing stands in for the model",
        ),
        pytest.param(
            "quality-drop", "monitoring/alerts.yml", "answers:refused:ratio1h > 0.2", "answers:refused:ratio1h > 1",
            "RefusalsRise fires", id="an alert that never fires",
        ),
        pytest.param(
            "database-down", "app/api/problems.py", "exception_handler(sa.exc.OperationalError)",
            "exception_handler(sa.exc.InvalidRequestError)", "callers get 503", id="a defect instead of 503",
        ),
        pytest.param(
            "budget", "app/llm/spending.py", "self._refused.add(", "set().add(", "BudgetGone fires",
            id="a refusal that no gauge shows",
        ),
    ],
)  # fmt: skip
def test_a_drill_fails_when_the_behaviour_is_missing(
    project: Path, name: str, file: str, old: str, new: str, missing: str
) -> None:
    break_(project / file, old, new)
    done = drill(project, name)
    assert done.returncode == 1, done.stdout
    assert "MISSING: " in done.stdout
    assert missing in done.stderr
