"""From a built wheel: a project without network, then a newer wheel, then the update."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from shipfolio.source import TEMPLATE_URL
from tests.conftest import commit_all, copy_working_tree, git
from tests.update.conftest import NEXT, OWN, content, release_next, set_version

pytestmark = pytest.mark.slow

FIRST = "98.0.0"  # a release: a later wheel does not carry the development versions before it


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree as an untagged repository."""
    repository = tmp_path_factory.mktemp("wheel") / "shipfolio"
    repository.mkdir()
    copy_working_tree(repository)
    (repository / OWN).write_text("".join(f"line {number}\n" for number in range(1, 11)), "utf-8")
    if not (repository / "README.md").exists():
        (repository / "README.md").write_text("# shipfolio\n", "utf-8")
    set_version(repository, FIRST)
    git(repository, "init", "--quiet")
    commit_all(repository, "first")
    return repository


def build(repository: Path, out: Path, *kinds: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *kinds, str(repository)]
    return subprocess.run(command, capture_output=True, text=True)


def install(wheel: Path, folder: Path) -> Path:
    """A clean environment with the wheel; its dependencies are the packages of this one, so no network is needed."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    here = sysconfig.get_path("purelib")
    (site / "dependencies.pth").write_text(f"{here}\n", "utf-8")
    pip = [
        str(folder / "bin/python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--ignore-installed",
    ]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return folder


def shipfolio(environment: Path, *arguments: object) -> str:
    """What the installed command prints. It must not find this checkout."""
    command = [str(environment / "bin/shipfolio"), *(str(argument) for argument in arguments)]
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bundle(environment: Path) -> Path:
    """The template history inside an installed wheel."""
    (path,) = environment.glob("lib/python*/site-packages/shipfolio/_data/templates.bundle")
    return path


def built(repository: Path, out: Path, *kinds: str) -> Path:
    done = build(repository, out, *kinds)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


def test_new_from_one_wheel_and_update_from_the_next(repository: Path, tmp_path: Path) -> None:
    site = install(built(repository, tmp_path / "first", "--wheel"), tmp_path / "site1")
    shipfolio(site, "new", "agent", tmp_path / "demo", "--no-lock")
    answers = (tmp_path / "demo/.copier-answers.yml").read_text("utf-8")
    assert f"_commit: v{FIRST}\n" in answers
    assert f"_src_path: {TEMPLATE_URL}\n" in answers

    newer = tmp_path / "newer"
    shutil.copytree(repository, newer)
    release_next(newer)
    git(newer, "tag", "-d", f"v{NEXT}")
    site = install(built(newer, tmp_path / "second", "--wheel"), tmp_path / "site2")
    assert shipfolio(site, "--version") == f"shipfolio {NEXT}\n"
    shutil.copytree(tmp_path / "demo", tmp_path / "plain/demo")
    update_from(bundle(site), tmp_path / "plain/demo", tmp_path / "cache")
    assert f"agent v{FIRST}, v{NEXT} is there" in shipfolio(site, "status", tmp_path / "demo")
    shipfolio(site, "update", tmp_path / "demo")
    assert content(tmp_path / "demo") == content(tmp_path / "plain/demo")
    assert "line 5, newer" in (tmp_path / "demo/NOTES.md").read_text("utf-8")
    assert f"_commit: v{NEXT}\n" in (tmp_path / "demo/.copier-answers.yml").read_text("utf-8")


def update_from(history: Path, project: Path, cache: Path) -> None:
    environment = {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{history}.insteadOf",
        "GIT_CONFIG_VALUE_0": TEMPLATE_URL,
        "COPIER_CACHE_DIR": str(cache),
    }
    command = [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", str(project)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr


def test_a_wheel_from_the_sdist_carries_the_same_templates(repository: Path, tmp_path: Path) -> None:
    wheel = built(repository, tmp_path / "both")  # build makes the sdist, then the wheel from it
    names = zipfile.ZipFile(wheel).namelist()
    assert "shipfolio/_data/templates.bundle" in names
    assert "shipfolio/_data/copier.yml" in names
    site = install(wheel, tmp_path / "site")
    shipfolio(site, "new", "rag-platform", tmp_path / "demo", "--no-git", "--no-lock")


def test_a_shallow_clone_is_refused_with_the_remedy(repository: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    shutil.copytree(repository, newer)
    (newer / "x").write_text("x")
    commit_all(newer, "second")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{newer}", "shallow")
    done = build(tmp_path / "shallow", tmp_path / "out", "--wheel")
    assert done.returncode != 0
    assert "git fetch --unshallow" in done.stdout + done.stderr


def test_building_does_not_touch_the_repository(repository: Path, tmp_path: Path) -> None:
    before = git(repository, "for-each-ref"), git(repository, "status", "--porcelain")
    built(repository, tmp_path / "out", "--wheel")
    assert (git(repository, "for-each-ref"), git(repository, "status", "--porcelain")) == before
