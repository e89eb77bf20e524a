"""One update at a time in one repository: a lock that the system lets go when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from shipfolio.errors import ShipfolioError

NAME = "lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock in `folder`, which is made where it is missing. Raises ShipfolioError where another holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / NAME).open("a+b") as file:
        if not _taken(file):
            raise ShipfolioError("another `shipfolio update` is at work in this repository", "wait until it is done")
        yield


def _taken(file: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
