"""A template repository with a history: this working tree as v0.1.0, then small changes as v0.2.0."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shipfolio.answers import resolve
from shipfolio.create import Request, create
from shipfolio.questions import Questionnaire, load
from shipfolio.source import History, Source
from tests.conftest import ROOT, VERSION, Outcome, commit_all, copy_working_tree, files_of, git
from tests.unit.test_versions import hook
from tests.update import small

if TYPE_CHECKING:
    from shipfolio.update import UpdateOutcome

SHARED = "templates/_shared/app/about.json"
OWN = "templates/agent/NOTES.md"
NEXT = "99.0.0"
NEWEST = f"v{VERSION}"

__all__ = ["hook"]


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tagged versions; the second adds a line to a shared file, one to an own file, and a new file."""
    repository = tmp_path_factory.mktemp("history") / "shipfolio"
    repository.mkdir()
    copy_working_tree(repository)
    (repository / OWN).write_text("".join(f"line {number}\n" for number in range(1, 11)), "utf-8")
    git(repository, "init", "--quiet")
    commit_all(repository, "first", f"v{VERSION}")
    release_next(repository)
    return repository


def release_next(repository: Path) -> None:
    """Change the templates and commit them as version NEXT, tagged."""
    shared = repository / SHARED
    shared.write_text(shared.read_text("utf-8").replace("{\n", '{\n  "generation": 2,\n', 1), "utf-8")
    own = repository / OWN
    own.write_text(own.read_text("utf-8").replace("line 5\n", "line 5, newer\n"), "utf-8")
    (repository / "templates/agent/ADDED.md").write_text("new in the next version\n", "utf-8")
    set_version(repository, NEXT)
    commit_all(repository, "next", f"v{NEXT}")


def set_version(repository: Path, version: str) -> None:
    """Write a version into pyproject.toml."""
    project = repository / "pyproject.toml"
    text = re.sub(
        r'^version = ".*"$', f'version = "{version}"', project.read_text("utf-8"), count=1, flags=re.MULTILINE
    )
    project.write_text(text, "utf-8")


@pytest.fixture
def copier(tmp_path: Path, history: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`copier("copy", …)`: plain Copier in a process, the public URL mapped to `history`, no trust."""
    environment = {
        **os.environ,
        **Source(location=history, ref="").environment(),
        "COPIER_CACHE_DIR": str(tmp_path / "cache"),
        "COPIER_SETTINGS_PATH": str(tmp_path / "settings.yml"),
        "PYTHONWARNINGS": "ignore",
    }
    (tmp_path / "settings.yml").write_text("{}\n")

    def run(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "copier", *(str(argument) for argument in arguments)]
        return subprocess.run(
            command,
            env=environment,
            check=check,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=tmp_path,
        )

    return run


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small template with its five versions. Read only."""
    repository = tmp_path_factory.mktemp("small") / "templates"
    small.build(repository)
    return repository


@pytest.fixture(scope="session")
def fresh(releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`fresh(version, **answers)`: a committed project of the small template, made once per session. Read only."""
    folder = tmp_path_factory.mktemp("fresh")
    made: dict[tuple[str, ...], Path] = {}

    def make(version: str = "v1.0.0", **answers: str) -> Path:
        key = (version, *(f"{name}={value}" for name, value in sorted(answers.items())))
        if key not in made:
            made[key] = folder / f"{len(made):03d}" / "demo"
            make_project(releases, made[key], version, {"template": "small", **answers})
        return made[key]

    return make


@pytest.fixture
def project(fresh, tmp_path: Path) -> Callable[..., Path]:
    """`project(version, **answers)`: the same, to be written to."""

    def copy(version: str = "v1.0.0", **answers: str) -> Path:
        shutil.copytree(fresh(version, **answers), tmp_path / "demo", symlinks=True)
        return tmp_path / "demo"

    return copy


@pytest.fixture
def update(releases: Path) -> Callable[..., UpdateOutcome]:
    """`update(path, …)`: the function behind the command, on the small template; newest is v3.0.0."""
    from shipfolio.update import update_project

    def run(path: Path, newest: str = "v3.0.0", **options: Any) -> UpdateOutcome:
        return update_project(path, Source(location=releases, ref=newest), **options)

    return run


@pytest.fixture
def command(shipfolio, releases: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """`command("status", …)`: the command line on the small template; newest is v3.0.0."""
    from shipfolio import source as sources

    monkeypatch.setattr(sources, "find", lambda url="": Source(location=releases, ref="v3.0.0"))
    return shipfolio


def make_project(repository: Path, path: Path, version: str, answers: dict[str, str]) -> None:
    """A committed project of one version of a template repository."""
    source = Source(location=repository, ref=version)
    with source.snapshot() as snapshot:
        complete = resolve(load(snapshot.root), {"project_name": "Demo", **answers})
    create(Request(template=answers["template"], path=path, answers=complete, source=source, with_lock=False))


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def content(project: Path) -> dict[str, bytes]:
    """Every file of a project with its bytes, without git's own."""
    return {name: (project / name).read_bytes() for name in files_of(project)}


def updated(old: Path, new: Path) -> dict[str, bytes]:
    """What an untouched project must be after an update: the new version, but what was given to the learner stays."""
    theirs = {name: data for name, data in content(old).items() if name.startswith("prompts/")}
    return {**content(new), **theirs}


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every path below a folder, git's own included: mode and bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        data = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[path.relative_to(folder).as_posix()] = (path.lstat().st_mode, data)
    return found


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, hook) -> Source:
    """This repository with all its versions, the working tree being the newest. Read only."""
    repository = tmp_path_factory.mktemp("real") / "shipfolio"
    git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(repository))
    for name in git(repository, "ls-files").splitlines():
        (repository / name).unlink()
    copy_working_tree(repository)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "working tree")
    hook.name_versions(repository)
    git(repository, "tag", "--force", NEWEST)
    return Source(location=repository, ref=NEWEST)


@pytest.fixture(scope="session")
def versions(real: Source) -> Iterator[History]:
    """Its versions, opened."""
    with real.history() as opened:
        yield opened


@pytest.fixture(scope="session")
def asked(versions: History) -> dict[str, Questionnaire]:
    """What each version asks."""
    return {version: load(versions.snapshot(version).root) for version in versions.versions}


def made(
    real: Source, asked: dict[str, Questionnaire], version: str, path: Path, row: dict[str, str]
) -> dict[str, str]:
    answers = resolve(asked[version], {"project_name": "Demo", **row})
    source = Source(real.location, version, real.url)
    create(Request(row["template"], path, answers, source, with_lock=False))
    return answers
