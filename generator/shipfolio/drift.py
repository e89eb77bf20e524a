"""`shipfolio status`: how far a project has moved from its template, and its template from the newest version."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from shipfolio import git, journal, plan, project, upgrading
from shipfolio.project import Project
from shipfolio.source import History, Source
from shipfolio.versions import is_newer

NO_REPOSITORY = "no git repository here: your own files are not listed, and an update needs one (`git init`)"


@dataclass(frozen=True)
class Touched:
    """The template's files that differ between two versions."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many files that are."""
        return len(self.added) + len(self.changed) + len(self.removed)


@dataclass(frozen=True)
class ProjectStatus:
    """`untouched`, `changed` and `deleted` are files of the template, `own` are the learner's, each sorted.

    A file that the template gave to the learner (prompts, golden questions, results) is own once it was changed.
    """

    path: Path
    template: str
    version: str
    newest: str
    untouched: list[str]
    changed: list[str]
    deleted: list[str]
    own: list[str]
    update: Touched
    steps: list[upgrading.Step]
    misfits: list[str]
    notes: list[str]

    @property
    def behind(self) -> bool:
        """Whether there is a newer version."""
        return is_newer(self.newest, self.version)

    @property
    def drifted(self) -> bool:
        """Whether the learner changed or deleted a file of the template."""
        return bool(self.changed or self.deleted)

    @property
    def needs_attention(self) -> bool:
        """What `--exit-code` tells: drift or a newer version."""
        return self.behind or self.drifted

    def document(self) -> dict[str, Any]:
        """The JSON document."""
        return {
            "path": str(self.path),
            "template": self.template,
            "version": self.version,
            "newest": self.newest,
            "behind": self.behind,
            "drifted": self.drifted,
            "files": {name: getattr(self, name) for name in ("untouched", "changed", "deleted", "own")},
            "update": asdict(self.update),
            "steps": [step.document() for step in self.steps],
            "misfits": self.misfits,
            "notes": self.notes,
        }


def inspect(path: Path, source: Source, history: History | None = None) -> ProjectStatus:
    """The status of one project; changes nothing. Give an open `history` to look at many. Raises ShipfolioError."""
    found = project.read(path)
    if history is not None:
        return _status(found, source, history)
    with source.history() as opened:
        return _status(found, source, opened)


def rendered(found: Project, source: Source, history: History, version: str) -> plan.Planned:
    """The files of a project as a version of its template writes them."""
    try:
        return plan.plan(history.archive(version, found.template), found.answers, found.url)
    except plan.NotPlannable:
        from shipfolio import engine

        return engine.planned(replace(source, url=found.url), history.snapshot(version), found.answers)


def _status(found: Project, source: Source, history: History) -> ProjectStatus:
    base = rendered(found, source, history, found.version)
    behind = is_newer(history.newest, found.version)
    notes = journal.notes(found.path)
    own, tracked = _own(found.path, set(base.files))
    if not tracked:
        notes.append(NO_REPOSITORY)
    state = {name: _state(found.path / name, content, name in base.owned) for name, content in base.files.items()}
    named = {
        kind: [name for name in state if state[name] == kind] for kind in ("untouched", "changed", "deleted", "own")
    }
    named["own"] = sorted([*named["own"], *own])
    return ProjectStatus(
        path=found.path,
        template=found.template,
        version=found.version,
        newest=history.newest,
        **named,
        update=_touched(base, rendered(found, source, history, history.newest)) if behind else Touched(),
        steps=_steps(found, history) if behind else [],
        misfits=_misfits(found, history) if behind else [],
        notes=notes,
    )


def _state(path: Path, content: bytes, owned: bool) -> str:
    try:
        same = path.read_bytes() == content
    except (FileNotFoundError, NotADirectoryError):
        return "deleted"
    except OSError:
        same = False
    return "untouched" if same else "own" if owned else "changed"


def _own(path: Path, rendered: set[str]) -> tuple[list[str], bool]:
    """The files that git has or would take and that no template wrote, and whether git is there to tell."""
    try:
        listed = git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=path)
    except git.GitFailed:
        return [], False
    names = {name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name}
    return sorted(name for name in names - rendered if (path / name).exists()), True


def _touched(old: plan.Planned, new: plan.Planned) -> Touched:
    common = old.files.keys() & new.files.keys() - {project.ANSWERS_FILE} - new.owned
    return Touched(
        added=sorted(new.files.keys() - old.files.keys()),
        changed=sorted(name for name in common if old.files[name] != new.files[name]),
        removed=sorted(old.files.keys() - new.files.keys()),
    )


def _steps(found: Project, history: History) -> list[upgrading.Step]:
    document = history.text(history.newest, upgrading.FILE)
    return upgrading.applicable(document, found.answers, found.version, history.newest)


def _misfits(found: Project, history: History) -> list[str]:
    try:
        return plan.misfits(history.archive(history.newest, found.template), found.answers)
    except plan.NotPlannable:
        return []
