"""Where the templates come from: the checkout this package runs from, else the bundle in the wheel."""

from __future__ import annotations

import io
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from shipfolio import git
from shipfolio.errors import ShipfolioError
from shipfolio.versions import is_newer, order

TEMPLATE_URL = "https://github.com/shipfolio/shipfolio.git"
PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parents[1]
DATA = PACKAGE / "_data"
BUNDLE = DATA / "templates.bundle"
TEMPLATE_PATHS = ("copier.yml", "templates")
SHARED_PATHS = ("copier.yml", "templates/_*")
TEMPLATE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
QUESTION_FILE = re.compile(r"templates/_(?!shared/)")
VERSION_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]*")


@dataclass(frozen=True)
class Snapshot:
    """The template's files at one commit. `version` is what an answers file records as `_commit`.

    `compiled` is the renderer's own: what it has read and compiled of these files, for the next project.
    """

    root: Path
    version: str
    commit: str
    compiled: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Archive:
    """The same in memory: all that `plan` needs. `files` are those of the template repository, by name."""

    version: str
    commit: str
    files: dict[str, bytes]
    compiled: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Source:
    """A git repository (folder or bundle) that stands in for the public `url`, and the ref to use."""

    location: Path
    ref: str
    url: str = TEMPLATE_URL

    def environment(self) -> dict[str, str]:
        """Variables that make git read `location` wherever `url` is asked for (and keep the caller's own)."""
        count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        return {
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"url.{self.location.as_posix()}.insteadOf",
            f"GIT_CONFIG_VALUE_{count}": self.url,
        }

    def uncommitted(self) -> bool:
        """Whether the checkout holds template changes that are not in its HEAD, so will not be used."""
        if self.location.is_file():
            return False
        return bool(git.text("status", "--porcelain", "--", *TEMPLATE_PATHS, cwd=self.location))

    @contextmanager
    def history(self) -> Iterator[History]:
        """Every version, each unpacked when it is asked for; all of it is gone when the block ends."""
        with tempfile.TemporaryDirectory(prefix="shipfolio-templates-") as folder:
            yield History(repository=self._repository(Path(folder)), folder=Path(folder), ref=self.ref)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The files at `ref` in a temporary folder of their own, gone when the block ends."""
        with self.history() as history:
            yield history.snapshot(history.newest)

    def _repository(self, folder: Path) -> Path:
        if self.location.is_dir():
            return self.location
        repository = folder / "history.git"
        git.run("clone", "--quiet", "--bare", "--", str(self.location), str(repository), cwd=folder)
        return repository


@dataclass
class History:
    """The versions in a template repository. `newest` is the one that new projects get: what `ref` names."""

    repository: Path
    folder: Path
    ref: str
    archives: dict[tuple[str, str], Archive] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)

    @cached_property
    def newest(self) -> str:
        """The name of the version at `ref`."""
        return git.text("describe", "--tags", "--always", self.ref, cwd=self.repository)

    @cached_property
    def versions(self) -> list[str]:
        """The released versions, oldest first, and the newest one."""
        tags = git.text("tag", "--list", "v*", cwd=self.repository).splitlines()
        return sorted({*filter(order, tags), self.newest}, key=lambda name: order(name) or (0,))

    def commit(self, version: str) -> str | None:
        """The commit that a version names; None where this history has no such version."""
        if not VERSION_NAME.fullmatch(version):
            return None
        try:
            return git.text("rev-parse", "--verify", "--quiet", f"{version}^{{commit}}", cwd=self.repository)
        except git.GitFailed:
            return None

    def archive(self, version: str, template: str = "") -> Archive:
        """The files of a version, read once: all, or at least those that a project of one template is made from.

        Raises ShipfolioError that says why it is not here.
        """
        if (version, "") in self.archives:
            template = ""
        if (version, template) not in self.archives:
            self.archives[version, template] = self._read(version, template)
        return self.archives[version, template]

    def snapshot(self, version: str) -> Snapshot:
        """The files of a version, unpacked once. Raises ShipfolioError that says why it is not here."""
        if version not in self.snapshots:
            archive = self.archive(version)
            root = _unpacked(archive.files, self.folder / f"templates-{len(self.snapshots)}")
            self.snapshots[version] = Snapshot(root, version, archive.commit, archive.compiled)
        return self.snapshots[version]

    def questions_root(self, version: str) -> Path:
        """A new folder with copier.yml of a version and what it includes. Raises ShipfolioError as `archive` does."""
        files = self.archive(version).files
        needed = {name: files[name] for name in files if name == "copier.yml" or QUESTION_FILE.match(name)}
        return _unpacked(needed, Path(tempfile.mkdtemp(prefix="questions-", dir=self.folder)))

    def text(self, version: str, path: str) -> str:
        """One file beside the templates as it was at a version; empty where there was none."""
        try:
            return git.run("show", f"{version}:{path}", cwd=self.repository).decode("utf-8", "replace")
        except git.GitFailed:
            return ""

    def _read(self, version: str, template: str) -> Archive:
        if not VERSION_NAME.fullmatch(version):
            raise self._unknown(version)
        one = TEMPLATE_NAME.fullmatch(template)
        paths = (*SHARED_PATHS, f"templates/{template}") if one else TEMPLATE_PATHS
        try:
            packed = git.run("archive", "--format=tar", version, "--", *paths, cwd=self.repository)
        except git.GitFailed:
            if one:  # it may be that only this template is not there
                return self.archive(version)
            raise self._unknown(version) from None
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            files = {member.name: _content(tar, member) for member in tar if member.isfile()}
            return Archive(version, tar.pax_headers["comment"], files)  # git puts the commit into the comment

    def _unknown(self, version: str) -> ShipfolioError:
        if is_newer(version, self.newest):
            return ShipfolioError(
                f"the project is of version {version}, newer than this shipfolio ({self.newest})",
                "upgrade shipfolio (`pip install --upgrade shipfolio`) and try again",
            )
        return ShipfolioError(
            f"this shipfolio does not carry template version {version!r}",
            f"it has {', '.join(self.versions)}; for a newer one, upgrade shipfolio",
        )


def is_checkout() -> bool:
    """Whether this package runs from a source checkout."""
    return (CHECKOUT / "copier.yml").is_file() and (CHECKOUT / ".git").exists()


def questions_root() -> Path:
    """The folder that holds copier.yml and what it includes."""
    return CHECKOUT if is_checkout() else DATA


def find(url: str = TEMPLATE_URL) -> Source:
    """The local source for `url`. Raises where the package carries none."""
    if is_checkout():
        return Source(location=CHECKOUT, ref="HEAD", url=url)
    if BUNDLE.is_file():
        import shipfolio

        return Source(location=BUNDLE, ref=f"v{shipfolio.__version__}", url=url)
    raise ShipfolioError("this installation carries no templates", "install shipfolio from a wheel or a git checkout")


def _unpacked(files: Mapping[str, bytes], root: Path) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""
