"""`prompts/lock.yaml`: the hash of every body that was ever served, so that no version can change in silence."""

from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from app.errors import ConfigurationError
from app.prompts.registry import PromptRegistry
from app.prompts.versions import Prompt
from app.yaml_files import parse, places, read_text

LOCK = "lock.yaml"
HEAD = "# Written by `app prompts promote`: the SHA-256 of every prompt text that was ever served.\n"
LAYOUT = "It maps each `name@version` that was served to a hash, once."
Hashes = TypeAdapter(dict[str, str])


def read_lock(folder: Path) -> dict[str, str]:
    """Label to hash; empty where nothing was locked yet.

    Raises:
        ConfigurationError: the file is unreadable, or has a label twice; with the line.
    """
    path = folder / LOCK
    if not path.exists():
        return {}
    root, values = parse(path, read_text(path, LAYOUT), LAYOUT)
    try:
        return Hashes.validate_python(values or {})
    except ValidationError as error:
        raise ConfigurationError(f"{places(path, root, error)}.", LAYOUT) from None


def add_to_lock(folder: Path, prompt: Prompt) -> None:
    """Lock one version's body."""
    hashes = {**read_lock(folder), prompt.label: prompt.body_sha256}
    text = HEAD + yaml.safe_dump(dict(sorted(hashes.items())))
    part = folder / f"{LOCK}.part"
    part.write_text(text, encoding="utf-8")
    part.replace(folder / LOCK)


def problems(folder: Path, registry: PromptRegistry) -> list[str]:
    """Every way in which the files contradict what was served or measured, each with its remedy."""
    locked = read_lock(folder)
    found = []
    served = {prompt.label for prompt in registry.served()}
    for prompt in registry.prompts():
        release = registry.release(prompt.name)
        if prompt.label in locked and locked[prompt.label] != prompt.body_sha256:
            found.append(f"{prompt.path}: the text changed after it was served. Undo it, and `app prompts new`.")
        if prompt.label not in locked and (
            prompt.label in served or (release and release.canary == prompt.front.version)
        ):
            found.append(f"{prompt.path}: it is served but not in {LOCK}. Release it with `app prompts promote`.")
        if prompt.front.scores and prompt.front.scores.body_sha256 != prompt.body_sha256:
            found.append(f"{prompt.path}: the scores belong to another text. Run `app prompts evaluate` again.")
    missing = sorted(locked.keys() - {prompt.label for prompt in registry.prompts()})
    found += [f"{folder / LOCK}: {label} was served and its file is gone. Restore it." for label in missing]
    return found
