"""Makes a release of this checkout: `python -m shipfolio.release X.Y.Z` (or `make release VERSION=X.Y.Z`).

All of it happens in a clone: set the version, date the changelog entry, commit, build the wheel, install it in a clean
environment and there make a project, and update one of each released version. Only then the checkout gets the commit
and its tag, and `dist/` the wheel. Nothing is pushed.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from shipfolio import git, source, upgrading, upkeep
from shipfolio.errors import ShipfolioError
from shipfolio.source import Source
from shipfolio.versions import is_newer, order

NUMBER = re.compile(r"\d+\.\d+\.\d+")
VERSION_LINE = re.compile(r'^version = "[^"]+"$', re.MULTILINE)
TEMPLATES = ("rag-platform", "agent", "ai-saas")


def release(root: Path, version: str, say: Callable[[str], object] = print) -> Path:
    """Release `version` from the checkout at `root`; returns the wheel. Raises ShipfolioError, `root` as it was."""
    _refuse_unready(root, version)
    with tempfile.TemporaryDirectory(prefix="shipfolio-release-") as folder:
        clone = Path(folder) / "shipfolio"
        git.run("clone", "--quiet", "--no-hardlinks", "--", str(root), str(clone), cwd=root)
        say(f"prepare {version}")
        prepare(clone, version)
        _commit(root, clone, version)
        say("build the wheel")
        wheel = _built(clone, Path(folder) / "dist")
        say("install it in a clean environment")
        environment = _installed(clone, wheel, Path(folder) / "environment")
        verify(environment, version, Path(folder) / "projects", say)
        return _published(root, clone, wheel, version)


def prepare(clone: Path, version: str) -> None:
    """Write the version and the date of its changelog entry. Raises ShipfolioError where the entry is missing."""
    changelog = clone / "CHANGELOG.md"
    text = changelog.read_text("utf-8")
    heading = re.search(rf"^## {re.escape(version)} \(unreleased\)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if heading is None or not re.search(r"^- ", heading[1], re.MULTILINE):
        raise ShipfolioError(
            f"CHANGELOG.md has no entry for {version}",
            f"write `## {version} (unreleased)` with a line per change, commit",
        )
    today = datetime.datetime.now(tz=datetime.UTC).date()
    changelog.write_text(text.replace(f"## {version} (unreleased)", f"## {version} ({today})", 1), "utf-8")
    project = clone / "pyproject.toml"
    project.write_text(VERSION_LINE.sub(f'version = "{version}"', project.read_text("utf-8"), count=1), "utf-8")
    upgrading.steps((clone / upgrading.FILE).read_text("utf-8"))
    stale = [path.name for path, text in upkeep.generated(clone).items() if path.read_text("utf-8") != text]
    if stale:
        raise ShipfolioError(f"generated files are out of date: {', '.join(stale)}", "run `make upkeep` and commit")


def verify(environment: Path, version: str, folder: Path, say: Callable[[str], object] = print) -> None:
    """Run the installed command: a new project per template, and an update from each version that the wheel carries."""
    shown = _run([environment / "bin/shipfolio", "--version"]).strip()
    if shown != f"shipfolio {version}":
        raise ShipfolioError(f"the wheel says {shown!r}, not {version}", "look at what was built")
    (bundle,) = environment.glob("lib/python*/site-packages/shipfolio/_data/templates.bundle")
    with Source(bundle, f"v{version}").history() as history:
        older = [name for name in history.versions if is_newer(f"v{version}", name)]
    for template in TEMPLATES:
        say(f"new {template}")
        fresh = folder / f"new-{template}"
        _run(
            [
                environment / "bin/shipfolio",
                "new",
                template,
                fresh,
                "--no-lock",
                "--no-git",
                "--project-name",
                "Release",
            ]
        )
        _check(environment, fresh, version)
        for name in older:
            say(f"update {template} from {name}")
            project = folder / f"{name}-{template}"
            _make_older(environment, bundle, project, template, name)
            _run([environment / "bin/shipfolio", "update", project])
            _check(environment, project, version)


def _refuse_unready(root: Path, version: str) -> None:
    if not NUMBER.fullmatch(version):
        raise ShipfolioError(f"{version!r} is no version", "name it like 1.2.3")
    if git.text("status", "--porcelain", cwd=root):
        raise ShipfolioError("there are changes that are not committed", "commit them; a release is made of commits")
    tags = git.text("tag", "--list", "v*", cwd=root).splitlines()
    present = f"v{_version(root)}"  # counts without a tag: the commit that set a version names it
    newest = max(filter(order, [present, *tags]), key=lambda tag: order(tag) or (0,), default="v0.0.0")
    if not is_newer(f"v{version}", newest):
        raise ShipfolioError(f"{version} does not come after {newest}", "name a newer version")


def _version(root: Path) -> str:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def _commit(root: Path, clone: Path, version: str) -> None:
    person = [f"user.{key}={git.text('config', f'user.{key}', cwd=root)}" for key in ("name", "email")]
    git.run("-c", person[0], "-c", person[1], "commit", "--quiet", "--all", "-m", f"Release {version}", cwd=clone)


def _built(clone: Path, dist: Path) -> Path:
    _run([sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", dist, clone])
    (wheel,) = dist.glob("*.whl")
    return wheel


def _installed(clone: Path, wheel: Path, environment: Path) -> Path:
    _run(["uv", "venv", "--quiet", "--python", sys.executable, environment])
    python = environment / "bin/python"
    _run(["uv", "pip", "install", "--quiet", "--python", python, "--constraints", clone / "constraints.txt", wheel])
    return environment


def _make_older(environment: Path, bundle: Path, project: Path, template: str, version: str) -> None:
    """A committed project of an older version, made by plain Copier from the history inside the wheel."""
    origin = Source(bundle, version)
    private = {**origin.environment(), "COPIER_CACHE_DIR": str(project.parent / "cache")}
    copier = [environment / "bin/copier", "copy", "--defaults", "--quiet", "-d", f"template={template}"]
    _run([*copier, "-d", "project_name=Release", "-r", version, origin.url, project], private)
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "first")):
        git.run(*arguments, cwd=project)


def _check(environment: Path, project: Path, version: str) -> None:
    """A project must be of this version, with every file as a fresh one has it."""
    found = json.loads(_run([environment / "bin/shipfolio", "status", "--json", project]))["projects"][0]
    if found["version"] != f"v{version}" or found["drifted"]:
        wrong = [*found["files"]["changed"], *found["files"]["deleted"]]
        raise ShipfolioError(f"{project.name} is {found['version']} with drift in {wrong}", "mend the templates")


def _published(root: Path, clone: Path, wheel: Path, version: str) -> Path:
    """Bring commit, tag and wheel into the checkout."""
    git.run("fetch", "--quiet", "--no-tags", str(clone), "HEAD", cwd=root)
    git.run("merge", "--quiet", "--ff-only", "FETCH_HEAD", cwd=root)
    git.run("tag", f"v{version}", cwd=root)
    (root / "dist").mkdir(exist_ok=True)
    return Path(shutil.copy2(wheel, root / "dist"))


def _run(command: Sequence[object], environment: dict[str, str] | None = None) -> str:
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    words = [str(word) for word in command]
    done = subprocess.run(  # noqa: S603 - our own commands, no shell
        words, env={**variables, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise ShipfolioError(f"`{' '.join(words[:4])}` failed: {last[0]}", "run it by hand to see more")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Release the checkout that this module runs from."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m shipfolio.release X.Y.Z\n")
        return 2
    try:
        wheel = release(source.CHECKOUT, arguments[0], lambda line: sys.stdout.write(f"{line}\n"))
    except ShipfolioError as error:
        sys.stderr.write(f"error: {error.message}\n  fix: {error.remedy}\n")
        return 1
    sys.stdout.write(f"released: {wheel}\nNext: git push && git push origin v{arguments[0]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
