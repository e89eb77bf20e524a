"""Orders the names of template versions: vX.Y.Z, vX.Y.Z.devN, and git's names for commits after one of them."""

from __future__ import annotations

import re
from typing import NamedTuple

NAME = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:\.dev(\d+))?(?:-(\d+)-g[0-9a-f]+)?")


class Order(NamedTuple):
    """What versions are compared by. A development version comes before its release."""

    major: int
    minor: int
    patch: int
    released: bool
    development: int
    commits_since: int


def order(name: str) -> Order | None:
    """The place of a version among others; None for a name that tells no version."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    major, minor, patch, development, since = match.groups()
    return Order(int(major), int(minor), int(patch), development is None, int(development or 0), int(since or 0))


def is_newer(name: str, than: str) -> bool:
    """Whether version `name` comes after version `than`; False where either name tells no version."""
    ours, theirs = order(name), order(than)
    return ours is not None and theirs is not None and ours > theirs


def named(version: str) -> str:
    """The tag of a version that a person wrote with or without its v."""
    return f"v{version}" if version[:1].isdigit() else version
