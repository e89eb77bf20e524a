"""Makes the git repositories of a cohort: the files that all learners share are packed once, not once per learner."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from shipfolio import git, repository

PUSH_ENVIRONMENT = {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}
UPSTREAM = "refs/remotes/origin/main"


def prototype(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A .git folder without commits that holds these files' contents in one pack."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    repository.initialise(folder)
    staged = git.run("ls-files", "--stage", cwd=folder).split(b"\n")
    blobs = {line.split()[1] for line in staged if line}
    pack = folder / ".git/objects/pack/pack"
    git.run("pack-objects", "--quiet", str(pack), cwd=folder, data=b"".join(blob + b"\n" for blob in sorted(blobs)))
    git.run("prune-packed", "--quiet", cwd=folder)
    (folder / ".git/index").unlink()
    return folder / ".git"


def commit_first(project: Path, prototype: Path, template: str, version: str) -> None:
    """Make the project a repository with one commit. Raises GitFailed."""
    shutil.copytree(prototype, project / ".git")
    git.run("add", "--all", cwd=project)
    message = repository.COMMIT_MESSAGE.format(template=template, version=version)
    git.run("commit", "--quiet", "--message", message, cwd=project)


def push(project: Path, url: str) -> None:
    """Send the first state to its own remote, once; never forced. Raises GitFailed."""
    if _pushed(project):
        return
    if b"origin" not in git.run("remote", cwd=project).split():
        git.run("remote", "add", "origin", "--", url, cwd=project)
    git.run("push", "--quiet", "--set-upstream", "origin", "HEAD:refs/heads/main", cwd=project, env=PUSH_ENVIRONMENT)


def _pushed(project: Path) -> bool:
    try:
        git.run("rev-parse", "--verify", "--quiet", UPSTREAM, cwd=project)
    except git.GitFailed:
        return False
    return True
