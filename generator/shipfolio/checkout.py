"""The learner's repository: what must be true before an update, and how a finished merge is put into it.

No step leaves a lock file of git's behind when it is killed: the index is prepared beside the real one and put in its
place in one step, and so is HEAD. From the moment the index names the new files, one `git checkout --force` undoes all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shipfolio import git, journal, repository
from shipfolio.create import SET_AUTHOR
from shipfolio.errors import ShipfolioError, UsageError
from shipfolio.journal import Journal
from shipfolio.merge import Merged

UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "BISECT_LOG": "bisect",
}
BRANCH = "shipfolio-update-{version}"
SHOWN = 3


@dataclass(frozen=True)
class Checkout:
    """A repository whose work tree is clean: the branch it is on and that branch's commit."""

    path: Path
    git_dir: Path
    branch: str
    commit: str

    @property
    def undo(self) -> str:
        """The command that brings it back here."""
        return journal.undo(self.path, self.branch)


def ready(path: Path) -> Checkout:
    """The repository of a project that may be updated. Raises UsageError with the remedy where it may not."""
    git_dir = _git_dir(path)
    _refuse_unfinished(git_dir)
    branch = _symbolic(path)
    commit = _commit(path)
    _settle_interrupted(path, git_dir, branch)
    _refuse_changes(path)
    if not repository.has_author(path):
        raise UsageError("git knows no author for the update's commit", SET_AUTHOR)
    return Checkout(path, git_dir, branch, commit)


def land(
    checkout: Checkout, clone: Path, merged: Merged, version: str, message: str, announce: Callable[[str], None]
) -> tuple[str, str | None]:
    """Put a merge on a branch of its own: one commit, or staged with its conflicts. Returns branch and commit.

    Whatever stops it half-way is undone; after a kill the command given to `announce` undoes it.
    """
    _refuse_hidden(checkout, merged)
    _transfer(clone, checkout, merged)
    commit = None if merged.conflicts else _committed(checkout, merged.tree, message)
    _refuse_meanwhile(checkout)
    branch = _free_branch(checkout, BRANCH.format(version=version))
    announce(checkout.undo)
    journal.write(checkout.git_dir, Journal(checkout.branch, checkout.commit, branch))
    try:
        git.run("update-ref", f"refs/heads/{branch}", commit or checkout.commit, "", cwd=checkout.path)
        _show(checkout, branch, merged)
        if merged.conflicts:
            _mark_conflicts(checkout, merged, message)
        _check(checkout, merged)
    except BaseException as error:
        _back(checkout, branch, error)
        raise
    journal.clear(checkout.git_dir)
    return branch, commit


def _git_dir(path: Path) -> Path:
    try:
        top, git_dir = git.text(
            "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", cwd=path
        ).splitlines()
    except git.GitFailed as error:
        if "dubious" in error.message:
            raise
        raise UsageError(
            f"{str(path)!r} is no git repository", 'run `git init && git add --all && git commit -m "My project"` there'
        ) from None
    if Path(top).resolve() != path:
        raise UsageError(
            f"{str(path)!r} is a folder inside the repository {top!r}",
            "give the project a repository of its own, for example with `git subtree split`, and update there",
        )
    return Path(git_dir)


def _refuse_unfinished(git_dir: Path) -> None:
    for name, doing in UNFINISHED.items():
        if (git_dir / name).exists():
            raise UsageError(f"git is in the middle of a {doing}", f"finish it, or stop it with `git {doing} --abort`")
    if (git_dir / "index.lock").exists():
        raise UsageError(
            f"another git command is at work ({str(git_dir / 'index.lock')!r} exists)",
            "wait until it is done; if none is running, remove that file",
        )


def _symbolic(path: Path) -> str:
    try:
        return git.text("symbolic-ref", "--quiet", "--short", "HEAD", cwd=path)
    except git.GitFailed:
        raise UsageError(
            "git is on no branch (detached HEAD)", "switch to one, for example `git switch main`"
        ) from None


def _commit(path: Path) -> str:
    try:
        return git.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=path)
    except git.GitFailed:
        raise UsageError(
            "the repository has no commit yet", 'run `git add --all && git commit -m "My project"` first'
        ) from None


def _settle_interrupted(path: Path, git_dir: Path, branch: str) -> None:
    """Refuse while a killed update's files lie around; forget it once they were undone."""
    entry = journal.read(git_dir)
    if entry is None:
        return
    if branch == entry.target or _changes(path):
        raise UsageError(
            "an earlier update was stopped half-way, and its files are still here",
            f"go back to the state before it with `{journal.undo(path, entry.branch)}`",
        )
    journal.clear(git_dir)


def _refuse_changes(path: Path) -> None:
    changes = _changes(path)
    if changes:
        shown = ", ".join(changes[:SHOWN]) + (f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else "")
        raise UsageError(
            f"there are changes that are not committed: {shown}",
            'commit them (`git add --all && git commit -m "My work"`) or run `git stash --include-untracked`',
        )


def _changes(path: Path) -> list[str]:
    lines = git.names("status", "--porcelain", "-z", "--no-renames", cwd=path, env=git.READ_ONLY)
    return [line[3:] for line in lines]


def _refuse_hidden(checkout: Checkout, merged: Merged) -> None:
    """Refuse where git was told to ignore changes of a file (skip-worktree, assume-unchanged) that would be written."""
    touched = {*merged.changed, *merged.merged, *merged.removed, *(conflict.path for conflict in merged.conflicts)}
    listed = git.names("ls-files", "-v", "-z", cwd=checkout.path)
    hidden = [line[2:] for line in listed if line[0] != "H" and line[2:] in touched]
    if hidden:
        raise UsageError(
            f"git was told not to look at {hidden[0]!r}, which the update changes",
            f"run `git update-index --no-skip-worktree --no-assume-unchanged {hidden[0]}`, commit, and try again",
        )


def _refuse_meanwhile(checkout: Checkout) -> None:
    """Refuse where the learner went on working while Copier merged: those changes are in no commit."""
    if _commit(checkout.path) != checkout.commit or _changes(checkout.path):
        raise UsageError("the project changed meanwhile", "commit your changes and update again")


def _transfer(clone: Path, checkout: Checkout, merged: Merged) -> None:
    """Copy the new objects from the clone into the repository."""
    blobs = [entry.split()[1].decode() for entry in merged.stages.split(b"\0") if entry]
    wanted = "\n".join([merged.tree, *blobs, f"^{checkout.commit}", ""]).encode()
    pack = git.run("pack-objects", "--revs", "--stdout", "--quiet", cwd=clone, data=wanted, env=git.ISOLATED)
    git.run("unpack-objects", "-q", cwd=checkout.path, data=pack)


def _committed(checkout: Checkout, tree: str, message: str) -> str:
    return git.text("commit-tree", tree, "-p", checkout.commit, "-m", message, cwd=checkout.path)


def _free_branch(checkout: Checkout, name: str) -> str:
    taken = set(git.text("for-each-ref", "--format=%(refname:short)", "refs/heads", cwd=checkout.path).splitlines())
    taken |= {path.stem for path in (checkout.git_dir / "refs/heads").glob("*.lock")}  # left by a killed git
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(branch for branch in (name, *numbered) if branch not in taken)


def _show(checkout: Checkout, branch: str, merged: Merged) -> None:
    """Make index, HEAD and work tree those of the result, in the order that keeps it undoable."""
    kept = [kept.path for kept in merged.kept]
    changed = [*merged.changed, *merged.merged, *(conflict.path for conflict in merged.conflicts)]
    assert not set(kept) & {*changed, *merged.added, *merged.removed}
    _with_index(checkout, "read-tree", "--reset", merged.tree)
    _point_head(checkout, branch)
    _remove(checkout.path, merged.removed)
    _write(checkout, "--force", changed)
    _write(checkout, "--quiet", merged.added)


def _with_index(checkout: Checkout, *arguments: str, data: bytes | None = None) -> None:
    """Run a git command that changes the index on a copy of it, then put the copy in its place in one step."""
    beside = journal.folder(checkout.git_dir) / "index"
    beside.with_name("index.lock").unlink(missing_ok=True)  # of a killed update: while we hold our lock it is nobody's
    shutil.copyfile(checkout.git_dir / "index", beside)
    git.run(*arguments, cwd=checkout.path, data=data, env={"GIT_INDEX_FILE": str(beside)})
    beside.replace(checkout.git_dir / "index")


def _point_head(checkout: Checkout, branch: str) -> None:
    """Make `branch` the current one, in one step where refs are files."""
    head = checkout.git_dir / "HEAD"
    if head.read_bytes() == f"ref: refs/heads/{checkout.branch}\n".encode():
        journal.replace_file(head, f"ref: refs/heads/{branch}\n".encode())
    else:
        git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}", cwd=checkout.path)


def _remove(project: Path, names: list[str]) -> None:
    for name in names:
        (project / name).unlink(missing_ok=True)
        for folder in (project / name).parents:
            if folder == project or any(folder.iterdir()):
                break
            folder.rmdir()


def _write(checkout: Checkout, option: str, names: list[str]) -> None:
    data = b"".join(os.fsencode(name) + b"\0" for name in names)
    git.run("checkout-index", option, "-z", "--stdin", cwd=checkout.path, data=data)


def _mark_conflicts(checkout: Checkout, merged: Merged, message: str) -> None:
    """Tell git which files are in conflict, and with which message the learner's commit begins."""
    cleared = b"".join(b"0 %s\t%s\0" % (b"0" * 40, os.fsencode(conflict.path)) for conflict in merged.conflicts)
    _with_index(checkout, "update-index", "-z", "--index-info", data=cleared + merged.stages)
    journal.replace_file(checkout.git_dir / "MERGE_MSG", f"{message}\n".encode())


def _check(checkout: Checkout, merged: Merged) -> None:
    """Make sure that the work tree holds what the merge made, and freshen the index on the way."""
    _with_index(checkout, "update-index", "-q", "--unmerged", "--refresh")
    differing = git.names("diff-files", "--name-only", "-z", cwd=checkout.path)
    surprising = set(differing) - {conflict.path for conflict in merged.conflicts}
    if surprising:
        raise ShipfolioError(f"{min(surprising)!r} could not be written", "mend its permissions and try again")


def _back(checkout: Checkout, branch: str, error: BaseException) -> None:
    """Undo what was done so far. Where even that fails, the error says which command does it."""
    try:
        git.run(
            "-c", f"core.hooksPath={os.devnull}", "checkout", "--quiet", "--force", checkout.branch, cwd=checkout.path
        )
        with suppress(git.GitFailed):  # it may not have come into being
            git.run("update-ref", "-d", f"refs/heads/{branch}", cwd=checkout.path)
        (checkout.git_dir / "MERGE_MSG").unlink(missing_ok=True)
        journal.clear(checkout.git_dir)
    except (ShipfolioError, OSError):
        reason = getattr(error, "message", str(error) or type(error).__name__)
        raise ShipfolioError(f"the update stopped half-way: {reason}", f"undo it with `{checkout.undo}`") from error
