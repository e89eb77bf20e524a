"""Build hook: puts the template history (a git bundle) and the questions of this version into the package.

Which commit is version V, for every V that pyproject.toml ever named on the first-parent line:
  1. the tag vV, where there is one;
  2. else the commit that set `version = "V"`;
  3. only for the version being built: HEAD, where the templates changed since that commit or where V is a
     development version (X.Y.Z.devN). A version that nobody tagged is not released, its last state counts.
So the commit that sets a version should be the last one of a release, or the release should be tagged: after
rule 3 the next build would name another commit. The names are tags inside the bundle; the repository that is
built from is only read.

A build without .git (from an sdist) takes over what the sdist carries. An editable build needs nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = "generator/shipfolio/_data"
QUESTION_FILES = (
    "copier.yml",
    "templates/_questions",
    "templates/_rules.yml",
    "templates/_providers.yml",
    "templates/_shared.files.yml",
)
TEMPLATE_FILES = ("copier.yml", "templates")


class BundleHook(BuildHookInterface[Any]):
    """Adds `shipfolio/_data` to the wheel and to the sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the data, unless this build is editable or its tree already carries it."""
        root = Path(self.root)
        if version == "editable":
            return
        if not (root / ".git").exists():
            _require_carried(root)
            return
        self._folder = Path(tempfile.mkdtemp(prefix="shipfolio-build-"))
        data = make_data(root, self._folder)
        prefix = DATA if self.target_name == "sdist" else "shipfolio/_data"
        build_data["force_include"][str(data)] = prefix

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary clone."""
        folder = getattr(self, "_folder", None)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def make_data(root: Path, folder: Path) -> Path:
    """Write the bundle and the question files of the version being built to a folder; returns it."""
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise RuntimeError(
            "this is a shallow clone, and a bundle of it cannot be cloned: run `git fetch --unshallow` "
            "(on GitHub Actions: actions/checkout with fetch-depth: 0) and build again"
        )
    clone = folder / "clone.git"
    git(folder, "clone", "--quiet", "--bare", str(root), str(clone))
    version = name_versions(clone)
    data = folder / "data"
    data.mkdir()
    tags = [tag for tag in git(clone, "tag", "--list", "v*").splitlines() if tag]
    git(
        clone,
        "bundle",
        "create",
        "--quiet",
        str(data / "templates.bundle"),
        "HEAD",
        *(f"refs/tags/{t}" for t in tags),
    )
    archive = folder / "questions.tar"
    git(clone, "archive", f"--output={archive}", f"v{version}", "--", *QUESTION_FILES)
    shutil.unpack_archive(archive, data)  # our own files; its `filter` came with Python 3.11.4, Debian 12 has 3.11.2
    return data


def name_versions(clone: Path) -> str:
    """Tag every untagged version in the clone by the rule above; returns the version that HEAD names."""
    commits = version_commits(clone)
    current = version_at(clone, "HEAD")
    if current is None:
        raise RuntimeError("pyproject.toml at HEAD names no version: commit one and build again")
    tags = set(git(clone, "tag", "--list").splitlines())
    if f"v{current}" not in tags:
        changed = git(clone, "diff", "--name-only", commits[current], "HEAD", "--", *TEMPLATE_FILES)
        if changed or "dev" in current:
            sys.stderr.write(f"shipfolio: v{current} is not tagged; the bundle names HEAD as v{current}\n")
            commits[current] = git(clone, "rev-parse", "HEAD")
    for version, commit in commits.items():
        if f"v{version}" not in tags and ("dev" not in version or version == current):
            git(clone, "tag", f"v{version}", commit)
    return current


def version_commits(clone: Path) -> dict[str, str]:
    """For each version on the first-parent line of HEAD, the last commit that set it."""
    commits: dict[str, str] = {}
    previous = None
    log = git(clone, "log", "--first-parent", "--reverse", "--format=%H", "HEAD", "--", "pyproject.toml")
    for commit in log.splitlines():
        version = version_at(clone, commit)
        if version and version != previous:
            commits[version] = commit
        previous = version
    return commits


def version_at(clone: Path, commit: str) -> str | None:
    """The version that pyproject.toml names at a commit; None where it names none."""
    try:
        return tomllib.loads(git(clone, "show", f"{commit}:pyproject.toml"))["project"]["version"]
    except (RuntimeError, KeyError, tomllib.TOMLDecodeError):
        return None


def git(folder: Path, *arguments: str) -> str:
    """The stripped output of a git command. Raises RuntimeError with git's words."""
    environment = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_WORK_TREE")}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _require_carried(root: Path) -> None:
    if not (root / DATA / "templates.bundle").is_file():
        raise RuntimeError("no git history and no prebuilt templates: build from a git clone or from the sdist")
