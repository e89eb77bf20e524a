"""One uv.lock for all learners who answered alike; only the project's own name differs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from shipfolio import repository

MARK = "\n[[package]]\n"


def made(folder: Path, files: Mapping[str, bytes]) -> tuple[str, str]:
    """The lock file for a project, and a note where there is none: then the lock file is empty."""
    if "pyproject.toml" not in files:
        return "", ""
    folder.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md"):
        (folder / name).write_bytes(files.get(name, b""))
    note = repository.lock(folder)
    return ("", note) if note else ((folder / "uv.lock").read_text("utf-8"), "")


def renamed(lock: str, pyproject: bytes) -> bytes:
    """The lock file of a project with the same dependencies and the name that its pyproject.toml says."""
    name = tomllib.loads(pyproject.decode())["project"]["name"]
    head, *packages = lock.rstrip("\n").split(MARK)
    own = next(package for package in packages if '\nsource = { editable = "." }' in package)
    others = [package.rstrip("\n") for package in packages if package is not own]
    mine = f'name = "{name}"\n' + own.split("\n", 1)[1].rstrip("\n")
    ordered = sorted([*others, mine], key=lambda package: package.split('"', 2)[1])
    return (head.rstrip("\n") + "\n" + MARK.join(["", *(f"{package}\n" for package in ordered)])).encode()
