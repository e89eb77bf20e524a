"""From a draft to everybody: a canary first, held for a day, then the whole; back in one step."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from app.errors import InvalidInput
from app.prompts.lock import add_to_lock
from app.prompts.registry import REGISTRY, PromptRegistry, Release, ReleaseTable, read_releases
from app.prompts.versions import Prompt, write_version

HOLD = timedelta(hours=24)
FIRST_PERCENT = 10.0
HEAD = "# Which version of each prompt is served. `app prompts promote | rollback` write this file.\n"


def draft(folder: Path, registry: PromptRegistry, name: str, author: str, today: datetime) -> Path:
    """A new version of `name` as a copy of the stable one; nothing serves it yet."""
    source = registry.stable(name)
    taken = [int(p.front.version) for p in registry.prompts() if p.name == name and p.front.version.isdigit()]
    version = str(max(taken, default=0) + 1)
    front = source.front.model_copy(
        update={"version": version, "author": author, "date": today.date(), "scores": None, "history": []}
    )
    path = folder / name / f"v{version}.md"
    write_version(Prompt(name, path, front, source.body))
    return path


def promote(
    folder: Path,
    registry: PromptRegistry,
    label: str,
    percent: float,
    now: datetime,
    reason: str,
    losses: Sequence[str] = (),
) -> str:
    """Serve a version to `percent` of the callers, or with 100 to all; return what was done.

    `losses` says in what the canary's answers in use are worse than the stable version's.

    Raises:
        InvalidInput: no passing evaluation of this very text, a canary that was not held long enough, or losses.
    """
    prompt = registry.version(label)
    refuse_unproven(prompt)
    if losses:
        raise InvalidInput(
            f"{label} answers worse than the stable version: {'; '.join(losses)}.",
            f"`app prompts rollback {prompt.name}` stops it.",
        )
    release = registry.release(prompt.name) or Release(stable=prompt.front.version)
    version = prompt.front.version
    if percent < 100:
        changed = release.model_copy(update={"canary": version, "percent": percent, "since": now})
        done = f"{label} is served to {percent:g} % of the callers."
    else:
        refuse_hasty(release, version, now, reason)
        changed = Release(stable=version, previous=release.stable)
        done = f"{label} is served to everybody."
    note(prompt, now, f"{percent:g} %" + (f": {reason}" if reason else ""))
    add_to_lock(folder, prompt)
    write_release(folder, prompt.name, changed)
    return done


def rollback(folder: Path, registry: PromptRegistry, name: str, now: datetime, reason: str) -> str:
    """Stop the canary, or where there is none serve the previous stable version again; return what was done.

    Raises:
        InvalidInput: there is nothing to go back to.
    """
    release = registry.release(name)
    if release is None or not (release.canary or release.previous):
        raise InvalidInput(f"{name!r} has neither a canary nor an earlier version.", "`app prompts list` shows them.")
    if release.canary:
        left, changed = release.canary, Release(stable=release.stable, previous=release.previous)
    else:
        left, changed = release.stable, Release(stable=release.previous or release.stable)
    write_release(folder, name, changed)
    note(registry.version(f"{name}@{left}"), now, "rolled back" + (f": {reason}" if reason else ""))
    return f"{name}@{left} is not served any more, {name}@{changed.stable} is."


def refuse_unproven(prompt: Prompt) -> None:
    """Only a text that passed its evaluation may be served.

    Raises:
        InvalidInput: it did not.
    """
    scores = prompt.front.scores
    remedy = f"Run `app prompts evaluate {prompt.label}`."
    if scores is None:
        raise InvalidInput(f"{prompt.label} was never evaluated.", remedy)
    if scores.body_sha256 != prompt.body_sha256:
        raise InvalidInput(f"{prompt.label} changed after its evaluation.", remedy)
    if scores.verdict != "pass":
        raise InvalidInput(f"The evaluation of {prompt.label} says {scores.verdict!r}.", "Improve it, then " + remedy)


def refuse_hasty(release: Release, version: str, now: datetime, reason: str) -> None:
    """Everybody gets a version only after it was a canary for a day, unless somebody says why not.

    Raises:
        InvalidInput: it was not, and no reason was given.
    """
    held = now - release.since if release.canary == version and release.since else timedelta(0)
    if version not in (release.stable, release.previous) and held < HOLD and not reason:
        hours, needed = (span / timedelta(hours=1) for span in (held, HOLD))
        raise InvalidInput(
            f"Version {version} was a canary for {hours:.1f} of {needed:g} hours.",
            f"Serve it to a few first (`--percent {FIRST_PERCENT:g}`), or say why not to wait (`--reason`).",
        )


def note(prompt: Prompt, now: datetime, what: str) -> None:
    """Add a line to the version's own history."""
    line = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC {what}"
    front = prompt.front.model_copy(update={"history": [*prompt.front.history, line]})
    write_version(Prompt(prompt.name, prompt.path, front, prompt.body))


def write_release(folder: Path, name: str, release: Release) -> None:
    """Put one prompt's release into the registry, in one step."""
    releases = {**read_releases(folder).prompts, name: release}
    values = ReleaseTable(prompts=releases).model_dump(mode="json", exclude_defaults=True)
    part = folder / f"{REGISTRY}.part"
    part.write_text(HEAD + yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    part.replace(folder / REGISTRY)
