"""Fixtures: the working tree as a template repository, one render per answer set, the command line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
SECRET_HOME = tempfile.mkdtemp(prefix="shipfolio-tests-")
GIT_IDENTITY = "[user]\n\tname = Test Person\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n"


def pytest_configure(config: pytest.Config) -> None:
    """Git knows one author, nothing of the machine's own settings reaches a test, and Ctrl-C works in children.

    A shell's background job ignores SIGINT and so would every process that it starts.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Path(SECRET_HOME, "gitconfig").write_text(GIT_IDENTITY, "utf-8")
    os.environ["GIT_CONFIG_GLOBAL"] = str(Path(SECRET_HOME, "gitconfig"))
    os.environ["GIT_CONFIG_NOSYSTEM"] = "1"
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        os.environ.pop(name, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the private git settings."""
    shutil.rmtree(SECRET_HOME, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a test that passed at its second try failed at its first."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first try of {report.nodeid}")
        terminalreporter.write_line(report.longreprtext[-3000:])


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` rewrites tests/golden instead of comparing with it."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden")


@pytest.fixture(scope="session", autouse=True)
def nested_sessions(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A project's own pytest keeps its folders inside ours: each session of pytest cleans up among its neighbours."""
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(tmp_path_factory.mktemp("nested"))


def git(folder: Path, *arguments: str) -> str:
    """The output of one git command."""
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def copy_working_tree(target: Path) -> None:
    """Copy every file of the project that git tracks or would track."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def commit_all(repository: Path, message: str, tag: str = "") -> None:
    """Commit everything in a repository, and tag it."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", message)
    if tag:
        git(repository, "tag", tag)


@pytest.fixture(scope="session")
def template_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree as a git repository with one commit, tagged with the version. Read only."""
    repository = tmp_path_factory.mktemp("templates") / "shipfolio"
    repository.mkdir()
    copy_working_tree(repository)
    git(repository, "init", "--quiet")
    commit_all(repository, "working tree", f"v{VERSION}")
    return repository


@pytest.fixture(scope="session")
def source(template_repository: Path):
    """The templates of the working tree."""
    from shipfolio.source import Source

    return Source(location=template_repository, ref=f"v{VERSION}")


@pytest.fixture(scope="session")
def snapshot(source):
    """The files of the template repository's commit."""
    with source.snapshot() as files:
        yield files


@pytest.fixture(scope="session")
def questionnaire(template_repository: Path):
    """What copier.yml asks."""
    from shipfolio.questions import load

    return load(template_repository)


@pytest.fixture(scope="session")
def rendered(source, snapshot, questionnaire, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`rendered(template, **answers)`: a project with these answers, made once per session. Read only."""
    from shipfolio import engine
    from shipfolio.answers import resolve

    folder = tmp_path_factory.mktemp("rendered")
    made: dict[tuple[tuple[str, str], ...], Path] = {}

    def render(template: str, **answers: str) -> Path:
        complete = resolve(questionnaire, {"project_name": "Demo project", **answers, "template": template})
        key = tuple(sorted(complete.items()))
        if key not in made:
            path = Path(tempfile.mkdtemp(dir=folder)) / "demo"
            engine.render(source, snapshot, complete, path)
            made[key] = path
        return made[key]

    return render


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def shipfolio(source, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """`shipfolio("new", …)`: the command line in this process, on the templates of the working tree."""
    from shipfolio import cli
    from shipfolio import source as sources

    monkeypatch.setattr(sources, "find", lambda url=source.url: sources.Source(source.location, source.ref, url))

    def run(*arguments: object, stdin: str | None = None) -> Outcome:
        result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], input=stdin)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def process(template_repository: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`process("new", …)`: the command line in a process of its own, running from the template repository."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "shipfolio", *(str(argument) for argument in arguments)]
        env = {**os.environ, "PYTHONPATH": str(template_repository / "generator"), **environment}
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)
        )
        return started[-1]

    yield start
    for child in started:
        if child.poll() is None:
            child.kill()
            child.communicate()


@pytest.fixture
def run(process) -> Callable[..., Outcome]:
    """`run("new", …)`: like `process`, waited for."""

    def wait(*arguments: object, **environment: str) -> Outcome:
        child = process(*arguments, **environment)
        out, err = child.communicate(timeout=120)
        return Outcome(child.returncode, out, err)

    return wait


def files_of(project: Path) -> list[str]:
    """The files of a project, relative, sorted, without git's own."""
    names = (path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    return sorted(name for name in names if not name.startswith(".git/"))


@pytest.fixture
def no_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in which the test requires that nothing is left."""
    folder = tmp_path / "nothing"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []
