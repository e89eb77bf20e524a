"""A learner's first hour: every command that is printed or written in a README, run on fresh projects."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from shipfolio.source import Source
from tests.conftest import git

from .served_project import Project, environment, serve

pytestmark = pytest.mark.slow

TEMPLATES = ("rag-platform", "agent", "ai-saas")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
WAITS = 3  # the exit code of a run that waits for a person
COMMAND = re.compile(r"^(?:make|uv|curl) .*$", re.MULTILINE)


def sh(folder: Path, command: str, *, path: str | None = None, code: int = 0, **extra: str) -> str:
    """Run a command line in a learner's shell; uv is on the path unless `path` says otherwise."""
    with_uv = f"{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**environment(), "PATH": path or with_uv, **extra}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == code, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def workshop() -> Iterator[Path]:
    """A folder beside pytest's own: their tests start PostgreSQL as another user, and pytest locks others out."""
    with tempfile.TemporaryDirectory(prefix="shipfolio-made-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def made(template_repository: Path, workshop: Path) -> dict[str, tuple[Path, dict]]:
    """One project of each template, made by the command line, with what it reported."""
    projects = {}
    for template in TEMPLATES:
        path = workshop / template
        command = ["python", "-m", "shipfolio", "new", template, str(path), "--yes", "--json"]
        env = {**os.environ, "PYTHONPATH": str(template_repository / "generator")}
        env["PATH"] = f"{Path(find_uv_bin()).parent}{os.pathsep}{env['PATH']}"
        done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        projects[template] = (path, json.loads(done.stdout))
    return projects


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_printed_next_steps_all_work(template: str, made: dict[str, tuple[Path, dict]]) -> None:
    path, report = made[template]
    assert report["next_steps"][0].startswith("cd ")
    for command in report["next_steps"][1:]:
        sh(path, command)
    assert git(path, "status", "--porcelain") == ""


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_fresh_project_is_committed_with_its_lock_file(template: str, made: dict[str, tuple[Path, dict]]) -> None:
    path, _ = made[template]
    assert "uv.lock" in git(path, "ls-files").splitlines()
    assert len(git(path, "log", "--oneline").splitlines()) == 1


def test_the_committed_results_are_what_the_evaluation_measures(made: dict[str, tuple[Path, dict]]) -> None:
    path, _ = made["rag-platform"]
    sh(path, "make eval")
    assert git(path, "diff", "--stat", "--", "docs/results.md") == ""


def test_setup_and_demo_work_where_uv_is_missing(
    rendered: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shutil.copytree(rendered("rag-platform"), tmp_path / "plain")
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not Path(p, "uv").exists())
    assert shutil.which("uv", path=path) is None
    sh(project, "make setup", path=path)
    assert (project / ".tools/bin/uv").exists()
    assert (project / ".env").read_text("utf-8") == (project / ".env.example").read_text("utf-8")
    assert "[1] hr/leave-policy.md" in sh(project, "make demo", path=path)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_command_of_the_readme_works(template: str, made: dict[str, tuple[Path, dict]]) -> None:
    path, _ = made[template]
    readme = (path / "README.md").read_text("utf-8")
    commands = [
        c.split("#")[0].strip() for kind, block in FENCE.findall(readme) if not kind for c in COMMAND.findall(block)
    ]
    assert "make demo" in commands
    for command in commands:
        if command.startswith('uv run app run "E-mail'):  # what acts outside waits for a person
            (approve,) = re.findall(r"uv run app runs approve \w+", sh(path, f"{command} 2>&1", code=WAITS))
            assert "succeeded" in sh(path, f"{approve} 2>&1")
        elif not command.startswith(("make serve", "curl")):
            sh(path, command)
    with serve(Project(path)) as service:
        assert service.get("/healthz").status == 200


def test_the_call_of_the_readme_is_answered(made: dict[str, tuple[Path, dict]]) -> None:
    path, _ = made["rag-platform"]
    (block,) = [b for _, b in FENCE.findall((path / "README.md").read_text("utf-8")) if b.startswith("KEY=")]
    sh(path, "uv sync --quiet")
    with serve(Project(path)) as service:
        said = sh(path, block.replace("http://127.0.0.1:8000", service.origin))
    documents, answer = (json.loads(line) for line in said.replace("}{", "}\n{").splitlines())
    assert documents["name"] == "leave-policy.md"
    assert answer["model"] == "offline-extractive"
    assert "Up to five unused days" in answer["answer"]


def test_the_goal_of_the_readme_is_taken(made: dict[str, tuple[Path, dict]]) -> None:
    path, _ = made["agent"]
    (block,) = [b for _, b in FENCE.findall((path / "README.md").read_text("utf-8")) if b.startswith("KEY=")]
    sh(path, "uv sync --quiet")
    with serve(Project(path)) as service:
        said = sh(path, block.replace("http://127.0.0.1:8000", service.origin))
    ticket, history = (json.loads(line) for line in said.replace("}{", "}\n{").splitlines())
    assert [run["id"] for run in history["runs"]] == [ticket["id"]]
    assert history["runs"][0]["goal"] == "Which region sold the most in the last quarter?"


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_update_of_the_readme_works(
    template: str, made: dict[str, tuple[Path, dict]], source: Source, tmp_path: Path
) -> None:
    path, _ = made[template]
    (command,) = re.findall("^uvx .*$", (path / "README.md").read_text("utf-8"), re.MULTILINE)
    local = {**source.environment(), "COPIER_CACHE_DIR": str(tmp_path / "cache")}
    git(path, "checkout", "--quiet", "--", ".")  # what `make eval` added to the history
    sh(path, command, **local)
    assert git(path, "status", "--porcelain") == ""


def test_a_commit_works_where_uv_is_missing(made: dict[str, tuple[Path, dict]], tmp_path: Path) -> None:
    project = shutil.copytree(made["agent"][0], tmp_path / "mine", ignore=shutil.ignore_patterns(".venv"))
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not Path(p, "uv").exists())
    sh(project, "make setup", path=path)
    (project / "app/product.py").write_text(
        (project / "app/product.py").read_text("utf-8") + "\n\n\n\n\nSPARE = 1\n", "utf-8"
    )
    with pytest.raises(AssertionError, match="ruff format"):
        sh(project, "git commit --all --message untidy", path=path)
    sh(project, "git commit --all --message tidy", path=path)


def test_serve_honours_host_and_port(made: dict[str, tuple[Path, dict]]) -> None:
    path, _ = made["agent"]
    shown = sh(path, "make --dry-run serve HOST=0.0.0.0 PORT=9123")
    assert "app serve --host 0.0.0.0 --port 9123" in shown


def test_the_commit_hooks_pass_on_a_fresh_project(made: dict[str, tuple[Path, dict]]) -> None:
    path, _ = made["rag-platform"]
    sh(path, "uv run pre-commit run --all-files")


def test_a_worse_project_fails_its_own_check(made: dict[str, tuple[Path, dict]], tmp_path: Path) -> None:
    worse = shutil.copytree(made["rag-platform"][0], tmp_path / "worse", ignore=shutil.ignore_patterns(".venv"))
    source = worse / "app/answering/citations.py"
    trusting = source.read_text("utf-8").replace("MIN_SUPPORT = 0.5", "MIN_SUPPORT = -1.0")
    source.write_text(trusting, "utf-8")
    with pytest.raises(AssertionError, match="test_citations"):
        sh(worse, "uv run pytest -q tests/unit")
