"""From a draft to everybody: a canary first, held for a day, then the whole; back in one step."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from app.errors import ConfigurationError, InvalidInput
from app.prompts.lock import add_to_lock, read_lock
from app.prompts.registry import REGISTRY, PromptRegistry, Release, ReleaseTable, read_releases
from app.prompts.versions import Prompt, write_version

HOLD = timedelta(hours=24)
FIRST_PERCENT = 10.0
HEAD = "# Which version of each prompt is served. `app prompts promote | rollback` write this file.\n"


@dataclass(frozen=True)
class Comparison:
    """A canary's answers in use against the stable version's: what they lost, and why nothing can be said of the rest.

    Empty where every score was compared and none fell.
    """

    losses: tuple[str, ...] = ()
    undecided: str = ""


@dataclass(frozen=True)
class Change:
    """A release that was decided and is not in force yet: `what` for the version's history, `done` for the reader."""

    prompt: Prompt
    release: Release
    what: str
    done: str


NOT_COMPARED = Comparison(undecided="no scores of its answers in use")


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
    *,
    model: str,
    reason: str = "",
    in_use: Comparison = NOT_COMPARED,
) -> Change:
    """Decide to serve a version to `percent` of the callers, or with 100 to all.

    `model` is who answers in the service. A version begins with a few callers; `in_use` decides about more.

    Raises:
        InvalidInput: no passing evaluation of this very text by this model, losses in use, or, without a `reason`,
            a canary that was not held long enough or whose answers decide nothing.
    """
    prompt = registry.version(label)
    version = prompt.front.version
    release = registry.release(prompt.name) or Release(stable=version)
    refuse_unproven(prompt, model)
    refuse_changed(folder, prompt)
    larger = grows(release, version, percent)
    if larger:
        refuse_losses(prompt, in_use)
        refuse_doubts(release, prompt, now, reason, in_use)
    if percent < 100:
        changed = as_canary(release, prompt, percent, now, anew=larger)
        done = f"{label} is served to {percent:g} % of the callers."
    else:
        changed = Release(stable=version, previous=release.stable if version != release.stable else release.previous)
        done = f"{label} is served to everybody."
    return Change(prompt, changed, f"{percent:g} %" + (f": {reason}" if reason else ""), done)


def grows(release: Release, version: str, percent: float) -> bool:
    """Whether this is more than the first few callers of a new version, or than the canary already has."""
    reached = release.percent if release.canary == version else FIRST_PERCENT
    return version != release.stable and percent > reached


def as_canary(release: Release, prompt: Prompt, percent: float, now: datetime, *, anew: bool) -> Release:
    """The release with this version as its canary, held from `now` on; one that is held already goes on unless `anew`.

    Raises:
        InvalidInput: everybody gets this version already.
    """
    version = prompt.front.version
    if version == release.stable:
        raise InvalidInput(
            f"{prompt.label} is served to everybody.", f"`app prompts new {prompt.name}` starts another."
        )
    since = release.since if release.canary == version and not anew else now
    return release.model_copy(update={"canary": version, "percent": percent, "since": since})


def rollback(registry: PromptRegistry, name: str, reason: str = "") -> Change:
    """Decide to stop the canary, or where there is none to serve the previous stable version again.

    Raises:
        InvalidInput: there is nothing to go back to.
        ConfigurationError: the file of the previous version is gone.
    """
    release = registry.release(name)
    if release is None or not (release.canary or release.previous):
        raise InvalidInput(f"{name!r} has neither a canary nor an earlier version.", "`app prompts list` shows them.")
    if release.canary:
        left, changed = release.canary, Release(stable=release.stable, previous=release.previous)
    else:
        left, changed = release.stable, Release(stable=release.previous or release.stable)
    gone, back = registry.version(f"{name}@{left}"), registry.version(f"{name}@{changed.stable}")
    done = f"{gone.label} is not served any more, {back.label} is."
    return Change(gone, changed, "rolled back" + (f": {reason}" if reason else ""), done)


def write(folder: Path, change: Change, now: datetime) -> None:
    """Put a change into force by the files: the lock, the registry and the version's own history.

    Raises:
        ConfigurationError: they cannot be written, as in a container.
    """
    prompt, release = change.prompt, change.release
    try:
        if prompt.front.version in (release.stable, release.canary):
            add_to_lock(folder, prompt)
        write_release(folder, prompt.name, release)
        note(prompt, now, change.what)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror}.",
            "In a container the files belong to the image: `--live` releases through the database.",
        ) from None


def refuse_unproven(prompt: Prompt, model: str) -> None:
    """Only a text that passed its evaluation, with the model that answers, may be served.

    Raises:
        InvalidInput: it did not.
    """
    scores = prompt.front.scores
    remedy = f"Run `app prompts evaluate {prompt.label}`"
    if scores is None:
        raise InvalidInput(f"{prompt.label} was never evaluated.", f"{remedy}.")
    if scores.body_sha256 != prompt.body_sha256:
        raise InvalidInput(f"{prompt.label} changed after its evaluation.", f"{remedy}.")
    if scores.model != model:
        raise InvalidInput(
            f"{prompt.label} was evaluated with {scores.model}, the service answers with {model}.",
            f"{remedy} with the service's settings and its key.",
        )
    if scores.verdict != "pass":
        raise InvalidInput(f"The evaluation of {prompt.label} says {scores.verdict!r}.", f"Improve it, then {remedy}.")


def refuse_changed(folder: Path, prompt: Prompt) -> None:
    """What was served once stays as it is: the day as a canary belongs to one text.

    Raises:
        InvalidInput: it changed.
    """
    if read_lock(folder).get(prompt.label, prompt.body_sha256) != prompt.body_sha256:
        raise InvalidInput(
            f"{prompt.path}: the text changed after it was served.", f"Undo it, and `app prompts new {prompt.name}`."
        )


def refuse_losses(prompt: Prompt, in_use: Comparison) -> None:
    """A canary that answers worse stays a canary at most, whatever the reason.

    Raises:
        InvalidInput: it answers worse.
    """
    if in_use.losses:
        raise InvalidInput(
            f"{prompt.label} answers worse than the stable version: {'; '.join(in_use.losses)}.",
            f"`app prompts rollback {prompt.name}` stops it.",
        )


def refuse_doubts(release: Release, prompt: Prompt, now: datetime, reason: str, in_use: Comparison) -> None:
    """More callers get a version after a day as canary with answers that decide, unless somebody says why not.

    A version that everybody had before the stable one need not prove itself again.

    Raises:
        InvalidInput: it was not held, or its answers decide nothing, and no reason was given.
    """
    version = prompt.front.version
    if reason.strip() or version == release.previous:
        return
    held = now - release.since if release.canary == version and release.since else timedelta(0)
    doubts = []
    if held < HOLD:
        hours, needed = (span / timedelta(hours=1) for span in (held, HOLD))
        doubts.append(f"it was a canary for {hours:.1f} of {needed:g} hours")
    if in_use.undecided:
        doubts.append(f"nothing can be said of it in use ({in_use.undecided})")
    if doubts:
        raise InvalidInput(
            f"{prompt.label} is not ready for more callers: {', and '.join(doubts)}.",
            f"Serve it to a few (`--percent {FIRST_PERCENT:g}`) for a day, or say why not to wait (`--reason`).",
        )


def note(prompt: Prompt, now: datetime, what: str) -> None:
    """Add a line to the version's own history."""
    line = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC {what}"
    front = prompt.front.model_copy(update={"history": [*prompt.front.history, line]})
    write_version(Prompt(prompt.name, prompt.path, front, prompt.body))


def write_release(folder: Path, name: str, release: Release) -> None:
    """Put one prompt's release into the registry, in one step."""
    releases = {**read_releases(folder), name: release}
    values = ReleaseTable(prompts=releases).model_dump(mode="json", exclude_defaults=True)
    part = folder / f"{REGISTRY}.part"
    part.write_text(HEAD + yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    part.replace(folder / REGISTRY)
