"""A generated project as it lies there: what its answers file says, and whether that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shipfolio import untrusted_yaml
from shipfolio.errors import UsageError

ANSWERS_FILE = ".copier-answers.yml"
RESTORE = f"bring it back with `git checkout HEAD -- {ANSWERS_FILE}`"


@dataclass(frozen=True)
class Project:
    """`version` and `url` are where it came from, `answers` what was answered then."""

    path: Path
    version: str
    url: str
    answers: dict[str, str]

    @property
    def template(self) -> str:
        """The template it was made from."""
        return self.answers["template"]


def read(path: Path) -> Project:
    """The project at `path`. Raises UsageError where there is none, or its answers file was broken by hand."""
    folder = path.resolve()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {str(path)!r}", "name the folder of a generated project")
    stored = _stored(folder / ANSWERS_FILE, path)
    version, url = stored.pop("_commit", None), stored.pop("_src_path", None)
    answers = {key: value for key, value in stored.items() if not key.startswith("_")}
    wrong = [key for key, value in {"_commit": version, "_src_path": url, **answers}.items() if type(value) is not str]
    if wrong or "template" not in answers:
        trouble = f"{', '.join(wrong)} should be text" if wrong else "it names no template"
        raise UsageError(f"{str(path / ANSWERS_FILE)!r} was changed by hand: {trouble}", RESTORE)
    return Project(path=folder, version=str(version), url=str(url), answers=answers)


def _stored(file: Path, path: Path) -> dict[str, Any]:
    shown = str(path / ANSWERS_FILE)
    try:
        content = untrusted_yaml.load(file.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{str(path)!r} is no generated project: it has no {ANSWERS_FILE}",
            f"name the folder that `shipfolio new` made, or {RESTORE}",
        ) from None
    except OSError as error:
        raise UsageError(f"cannot read {shown!r}: {error.strerror}", "check its permissions") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{shown!r} is broken: {reason}", RESTORE) from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise UsageError(f"{shown!r} is broken: it holds no mapping of questions to answers", RESTORE)
    return content
