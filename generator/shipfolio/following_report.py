"""What `status` and `update` print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipfolio.console import Console
from shipfolio.drift import ProjectStatus
from shipfolio.upgrading import Step

if TYPE_CHECKING:
    from shipfolio.update import UpdateOutcome

LOUD = "bold red"


def status_report(console: Console, projects: list[ProjectStatus]) -> None:
    """One block per project."""
    console.document({"projects": [project.document() for project in projects]})
    for project in projects:
        _status(console, project)


def update_report(console: Console, outcome: UpdateOutcome) -> None:
    """What an update did or would do: first what the learner must not miss."""
    console.document(outcome.document())
    if outcome.nothing_to_do:
        console.result(f"{outcome.path} is up to date ({outcome.template} {outcome.to_version})", "bold green")
        return
    verb = "Would update" if outcome.preview else "Updated"
    console.result(
        f"{verb} {outcome.path} ({outcome.template}) from {outcome.from_version} to {outcome.to_version}", "bold"
    )
    _attention(console, outcome)
    for kind in ("merged", "changed", "added", "removed"):
        _listed(console, kind, getattr(outcome, kind), outcome.preview)
    _listed(console, "yours, left alone (the template has newer ones)", outcome.left, whole=True)
    for name, value in outcome.new_answers.items():
        console.result(f"  new question {name}: took {value!r} (change it with --data {name}=...)")
    for note in outcome.notes:
        console.note(note)
    _steps(console, outcome.steps)
    _next(console, outcome)


def _status(console: Console, project: ProjectStatus) -> None:
    newest = f", {project.newest} is there" if project.behind else ", the newest"
    console.result(f"{project.path}: {project.template} {project.version}{newest}", "bold")
    console.result(
        f"  template files: {len(project.untouched)} untouched, {len(project.changed)} changed, "
        f"{len(project.deleted)} deleted; your own: {len(project.own)}"
    )
    for kind in ("changed", "deleted"):
        for name in getattr(project, kind):
            console.result(f"    {kind:<8} {name}")
    if project.behind:
        touched = project.update
        console.result(
            f"  an update brings {len(touched.added)} files, changes {len(touched.changed)}, "
            f"removes {len(touched.removed)}"
        )
        _overlap(console, project)
    for trouble in project.misfits:
        console.result(f"  the newer version does not take an answer: {trouble}", LOUD)
    _steps(console, project.steps)
    for note in project.notes:
        console.note(note)
    if project.behind:
        console.result(f"  next: shipfolio update {project.path} --preview", "cyan")


def _overlap(console: Console, project: ProjectStatus) -> None:
    """The files that both the learner and the newer version changed."""
    for verb, names in (("changes", project.update.changed), ("removes", project.update.removed)):
        for name in sorted(set(names) & set(project.changed)):
            console.result(f"    {verb} {name}, which you changed", "yellow")


def _attention(console: Console, outcome: UpdateOutcome) -> None:
    would = "would need" if outcome.preview else "need"
    if outcome.conflicts:
        console.result(f"  CONFLICTS that {would} you:", LOUD)
    for conflict in outcome.conflicts:
        places = conflict.lines or [1]
        for line in places:
            console.result(f"    {conflict.path}:{line}", LOUD)
    if outcome.kept:
        console.result("  YOUR FILES that the update leaves as they are, against the template:", LOUD)
    for kept in outcome.kept:
        place = f" to {kept.moved_to}: bring your edit over by hand" if kept.moved_to else ""
        console.result(f"    {kept.path}: {kept.reason}{place}", LOUD)
    for path, lines in outcome.lost.items():
        console.result(f"  YOUR LINES in {path} that an update cannot keep:", LOUD)
        for line in lines:
            console.result(f"    {line}", LOUD)


def _listed(console: Console, kind: str, names: list[str], whole: bool) -> None:
    if not names:
        return
    console.result(f"  {kind}: {len(names)} file{'s' if len(names) > 1 else ''}")
    for name in names if whole or kind == "merged" else ():
        console.result(f"    {name}")


def _steps(console: Console, steps: list[Step]) -> None:
    if steps:
        console.result("  by hand, after the update:", "yellow")
    for step in steps:
        console.result(f"    {step.version}: {step.title}", "yellow")
        for line in step.text.splitlines():
            console.result(f"      {line}".rstrip())


def _next(console: Console, outcome: UpdateOutcome) -> None:
    if outcome.preview:
        console.result("Nothing was changed. Without --preview this happens on a branch of its own.")
        return
    console.result(f"You are on the branch {outcome.branch}. Next:")
    if outcome.conflicts:
        console.result("  solve:  mend the files above, then git add --all && git commit", "cyan")
    else:
        console.result(f"  look:   {outcome.look}", "cyan")
    console.result("  try:    make check", "cyan")
    console.result(f"  keep:   {outcome.keep}", "cyan")
    console.result(f"  undo:   {outcome.undo}", "cyan")
