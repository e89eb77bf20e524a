"""Which version of each prompt is served, to whom: `prompts/registry.yaml` over `prompts/<name>/v<version>.md`."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import ConfigurationError
from app.prompts.versions import Prompt, read_version
from app.yaml_files import line_at, parse, places, read_text

REGISTRY = "registry.yaml"
HUNDREDTHS = 10_000
LAYOUT = "Below `prompts:` it names the `stable` version of each prompt, and perhaps a `canary` with its `percent`."

log = structlog.get_logger()


class Release(BaseModel):
    """The served version of a prompt, and perhaps a canary for `percent` of the callers since `since`."""

    model_config = ConfigDict(extra="forbid")

    stable: str
    previous: str | None = None
    canary: str | None = None
    percent: float = Field(0, ge=0, le=100)
    since: datetime | None = None

    @model_validator(mode="after")
    def _share_needs_a_canary(self) -> "Release":
        if (self.canary is None) != (self.percent == 0):
            raise ValueError("`canary` and a `percent` above 0 go together")
        return self


class ReleaseTable(BaseModel):
    """The whole of `registry.yaml`."""

    model_config = ConfigDict(extra="forbid")

    prompts: dict[str, Release]


@dataclass(frozen=True)
class Snapshot:
    """The folder as it was read at one moment; `digest` changes with any release, but not with a comment."""

    stamp: tuple[int, int]
    digest: str
    releases: Mapping[str, Release]
    prompts: Mapping[str, Prompt]


ReadLive = Callable[[str], Mapping[str, Release]]  # from a registry's digest to the live releases decided on it


class PromptRegistry:
    """All prompts of a folder. A change of `registry.yaml` counts from the next question on, without a restart."""

    def __init__(self, folder: Path, pinned: Mapping[str, str] | None = None) -> None:
        """Read the folder; `pinned` versions are served instead of the stable ones, for an evaluation.

        Raises:
            ConfigurationError: a file is missing, unreadable or contradicts itself; the message names it.
        """
        self._folder = folder
        self._pinned = pinned or {}
        self._now = read_folder(folder)
        self._read: tuple[str, Mapping[str, Release]] = (self._now.digest, {})
        self._live = self._read
        for name, version in self._pinned.items():
            self.version(f"{name}@{version}")

    def choose(self, name: str, caller: str) -> Prompt:
        """The version that this caller gets: always the same one while the registry stays as it is.

        Raises:
            ConfigurationError: the registry does not know `name`.
        """
        self._refresh()
        release = self.release(name)
        if release and release.canary and name not in self._pinned and in_share(name, caller, release):
            return self.version(f"{name}@{release.canary}")
        return self.stable(name)

    def stable(self, name: str) -> Prompt:
        """The released version of `name`.

        Raises:
            ConfigurationError: the registry does not know it.
        """
        prompt = self.released(name)
        if prompt is None:
            raise ConfigurationError(f"There is no prompt {name!r}.", f"Add it to {self._folder / REGISTRY}.")
        return prompt

    def released(self, name: str) -> Prompt | None:
        """The released version of `name`, or None where the registry does not know it."""
        release = self.release(name)
        return self.version(f"{name}@{self._pinned.get(name, release.stable)}") if release else None

    def version(self, label: str) -> Prompt:
        """The version with this label, `name@version`.

        Raises:
            ConfigurationError: there is none.
        """
        if label not in self._now.prompts:
            raise ConfigurationError(f"There is no prompt {label!r}.", "`app prompts list` shows them.")
        return self._now.prompts[label]

    def prompts(self) -> list[Prompt]:
        """Every version of every prompt, by label."""
        return list(self._now.prompts.values())

    def served(self) -> list[Prompt]:
        """The released version of every prompt."""
        return [self.stable(name) for name in self._now.releases]

    def release(self, name: str) -> Release | None:
        """How `name` is released, if it is: by the database where it says so, or else by the file."""
        return self.live().get(name) or self._now.releases.get(name)

    @property
    def digest(self) -> str:
        """What differs between any two registries: a live release is bound to it."""
        return self._now.digest

    def live(self) -> Mapping[str, Release]:
        """The live releases in force, by prompt; none once another registry was read."""
        digest, found = self._live
        return found if digest == self._now.digest else {}

    def read_live(self, read: ReadLive) -> bool:
        """Take up what was released live, and say whether it is news; a version without a file here is left out."""
        now = self._now
        found = (now.digest, read(now.digest))
        if found == self._read:
            return False
        self._read = found
        self._live = (now.digest, {name: live for name, live in found[1].items() if _has_files(now, name, live)})
        return True

    def _refresh(self) -> None:
        """Read the folder again when its registry changed; a broken one is logged and the last good one goes on."""
        if stamp(self._folder) == self._now.stamp:
            return
        try:
            self._now = read_folder(self._folder)
            log.info("prompts read again", served=[prompt.label for prompt in self.served()])
        except ConfigurationError as error:
            self._now = replace(self._now, stamp=stamp(self._folder))
            log.error("prompts are broken, the last good ones go on", error=str(error))


def read_folder(folder: Path) -> Snapshot:
    """Every version and the registry, checked against each other.

    Raises:
        ConfigurationError: as for `PromptRegistry`.
    """
    seen = stamp(folder)
    releases, root = _read_table(folder)
    prompts = {prompt.label: prompt for path in sorted(folder.glob("*/*.md")) for prompt in [read_version(path)]}
    for name, release in releases.items():
        for word, version in (("stable", release.stable), ("canary", release.canary)):
            if version and f"{name}@{version}" not in prompts:
                line = line_at(root, ["prompts", name, word])
                raise ConfigurationError(
                    f"{folder / REGISTRY}:{line}: {name!r} names version {version!r}, which has no file.",
                    f"Write {folder / name / f'v{version}.md'} or name another version.",
                )
    return Snapshot(seen, digest_of(releases), releases, prompts)


def _has_files(now: Snapshot, name: str, release: Release) -> bool:
    there = all(f"{name}@{version}" in now.prompts for version in filter(None, (release.stable, release.canary)))
    if not there:
        log.error("a live release names a version without a file", prompt=name, release=release.model_dump())
    return there


def read_releases(folder: Path) -> dict[str, Release]:
    """How each prompt is released.

    Raises:
        ConfigurationError: the registry is missing, unreadable, or has a word twice or one that is not known.
    """
    return _read_table(folder)[0]


def digest_of(releases: Mapping[str, Release]) -> str:
    """Twenty-four hex digits that two tables share only where they release the same."""
    return hashlib.sha256(ReleaseTable(prompts=dict(releases)).model_dump_json().encode()).hexdigest()[:24]


def _read_table(folder: Path) -> tuple[dict[str, Release], yaml.Node | None]:
    """The releases, and the nodes that know their lines."""
    path = folder / REGISTRY
    root, values = parse(path, read_text(path, LAYOUT), LAYOUT)
    try:
        return ReleaseTable.model_validate(values).prompts, root
    except ValidationError as error:
        raise ConfigurationError(f"{places(path, root, error)}.", LAYOUT) from None


def stamp(folder: Path) -> tuple[int, int]:
    """What changes whenever the registry is written: its time and size, or zeros where it is missing."""
    try:
        state = (folder / REGISTRY).stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def in_share(name: str, caller: str, release: Release) -> bool:
    """Whether the caller is among the canary's `percent`: by hash, so always the same ones for one canary."""
    digest = hashlib.sha256(f"{name}@{release.canary}:{caller}".encode()).digest()
    return int.from_bytes(digest[:8]) % HUNDREDTHS < release.percent * HUNDREDTHS / 100
