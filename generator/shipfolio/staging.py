"""A new project is built beside its destination and moved there in one step: whole, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shipfolio.errors import ShipfolioError, UsageError

PREFIX = ".shipfolio-new-"
STALE_SECONDS = 6 * 60 * 60


def checked_destination(path: Path) -> Path:
    """The absolute path of a project to be made. Raises UsageError where something is in the way.

    Symbolic links above the project are followed; the project's own path must not be one.
    """
    try:
        return _checked(path)
    except OSError as error:
        raise disk_error(error) from error


def _checked(path: Path) -> Path:
    if path.is_symlink():
        raise UsageError(f"{str(path)!r} is a symbolic link", "name the folder itself")
    destination = path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()
    if destination == Path.cwd():
        raise UsageError(
            "the destination is the current folder, which cannot be replaced in one step",
            "name a new folder, for example `my-project`",
        )
    if destination.is_dir() and any(destination.iterdir()):
        raise UsageError(f"{str(path)!r} is not empty", "choose a new path, or empty the folder first")
    if destination.exists() and not destination.is_dir():
        raise UsageError(f"{str(path)!r} is a file", "choose a new path")
    return destination


@contextmanager
def staged(destination: Path) -> Iterator[Path]:
    """A folder beside `destination`, named like it; becomes `destination` when the block ends well.

    Whatever ends the block early (an error, Ctrl-C, a termination signal) removes it and every folder made
    for it. After a kill that cannot be caught it stays under a `.shipfolio-new-` name until a later run.
    """
    made = _make_parents(destination.parent)
    _remove_stale(destination.parent)
    holder = _make_holder(destination.parent)
    try:
        project = holder / destination.name
        yield project
        _publish(project, destination)
    except BaseException:
        _discard(holder, made)
        raise
    shutil.rmtree(holder, ignore_errors=True)


def disk_error(error: OSError) -> ShipfolioError:
    """A file system error in words."""
    where = f" at {str(error.filename)!r}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ShipfolioError(f"the disk is full{where}", "free some space and try again; nothing was left behind")
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.ENOTDIR, errno.EEXIST, errno.ELOOP):
        return UsageError(f"{(error.strerror or 'bad path').lower()}{where}", "choose another path")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UsageError(f"no permission to write{where}", "choose a folder that you may write to")
    return ShipfolioError(f"{error.strerror or error}{where}", "check the path and try again")


def _make_parents(parent: Path) -> list[Path]:
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise disk_error(error) from None
    return missing


def _make_holder(parent: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise disk_error(error) from None


def _remove_stale(parent: Path) -> None:
    """Remove what killed runs left hours ago."""
    for folder in parent.glob(PREFIX + "*"):
        with suppress(OSError):
            if time.time() - folder.lstat().st_mtime > STALE_SECONDS and not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)


def _publish(project: Path, destination: Path) -> None:
    try:
        if os.name == "nt" and destination.is_dir():
            destination.rmdir()
        project.rename(destination)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise UsageError(f"{str(destination)!r} appeared meanwhile", "choose a new path") from None
        raise


def _discard(holder: Path, made: list[Path]) -> None:
    """Remove the staging folder and the parents made for it; a second Ctrl-C does not stop this half-way."""
    with _uninterrupted():
        shutil.rmtree(holder, ignore_errors=True)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block like Ctrl-C does, so that the same clean-up runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    previous = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
