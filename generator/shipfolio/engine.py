"""Renders and updates projects with Copier: the only module that imports it.

`render` uses `FastWorker`, a Copier worker without the costs that a new project does not need (a clone, a
`git config` process per file, the same expressions compiled hundreds of times). It writes what `copier copy`
writes, byte for byte; tests/render holds that, and the public function is used where Copier's insides moved.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import copier
from copier._jinja_ext import SandboxedEnvironment, get_yield_context
from copier._main import Worker
from copier._settings import SettingsModel
from copier._subproject import Subproject
from copier._template import Template
from copier.errors import CopierError
from jinja2 import Template as Compiled
from jinja2 import TemplateError
from packaging.version import Version
from plumbum import ProcessExecutionError, local
from yaml import YAMLError

from shipfolio import git
from shipfolio.errors import ShipfolioError
from shipfolio.plan import Planned
from shipfolio.source import Snapshot, Source
from shipfolio.versions import order


@dataclass(frozen=True)
class Rendered:
    """What was written: the answers as stored, and the files relative to the project, sorted."""

    answers: dict[str, Any]
    files: list[str]


def render(source: Source, snapshot: Snapshot, answers: Mapping[str, str], destination: Path) -> Rendered:
    """Write the project. Raises ShipfolioError for what Copier reports, OSError for the disk."""
    with _explained():
        try:
            stored = _render_fast(source, snapshot, answers, destination)
        except (AttributeError, NotImplementedError):
            stored = render_public(source, answers, destination)
    files = sorted(path.relative_to(destination).as_posix() for path in destination.rglob("*") if path.is_file())
    return Rendered(answers={k: v for k, v in stored.items() if not k.startswith("_")}, files=files)


def render_public(source: Source, answers: Mapping[str, str], destination: Path) -> dict[str, Any]:
    """The same through Copier's public function: slower, independent of its insides."""
    with _isolated(source):
        worker = copier.run_copy(source.url, destination, settings=copier.Settings(), **_options(source.ref, answers))
    return dict(worker.answers.user)


def planned(source: Source, snapshot: Snapshot, answers: Mapping[str, str]) -> Planned:
    """The files of a project, made by Copier: for templates that `plan` does not know how to read."""
    with tempfile.TemporaryDirectory(prefix="shipfolio-plan-") as folder:
        project = Path(folder) / "project"
        at = replace(source, ref=snapshot.version)
        files = {name: (project / name).read_bytes() for name in render(at, snapshot, answers, project).files}
    return Planned(files=files, owned=frozenset())


def update(source: Source, old: Snapshot, new: Snapshot, answers: Mapping[str, str], project: Path) -> None:
    """Merge the newer template into a clean git repository, as `copier update` does: every merge is Copier's.

    Conflicts are left as markers in the files and as unmerged entries in the index. Raises ShipfolioError.
    """
    with _explained():
        try:
            _update_fast(source, old, new, answers, project)
        except (AttributeError, NotImplementedError):
            _start_over(project)
            update_public(source, new, answers, project)


def update_public(source: Source, new: Snapshot, answers: Mapping[str, str], project: Path) -> None:
    """The same through Copier's public function: slower, independent of its insides."""
    with _isolated(source):
        copier.run_update(project, settings=copier.Settings(), skip_answered=True, **_options(new.version, answers))


def _options(ref: str, answers: Mapping[str, str]) -> dict[str, Any]:
    """What every call of Copier is given: these answers, this version, no questions, no trust."""
    return {
        "data": dict(answers),
        "vcs_ref": ref,
        "defaults": True,
        "overwrite": True,
        "quiet": True,
        "unsafe": False,
    }


def _render_fast(source: Source, snapshot: Snapshot, answers: Mapping[str, str], destination: Path) -> dict[str, Any]:
    worker = FastWorker(
        src_path=source.url, dst_path=destination, settings=SettingsModel(), **_options(source.ref, answers)
    )
    worker.__dict__["template"] = _template(source, snapshot)
    with worker:
        worker.run_copy()
        return dict(worker._answers_to_remember())


def _update_fast(source: Source, old: Snapshot, new: Snapshot, answers: Mapping[str, str], project: Path) -> None:
    versions = {snapshot.version: _template(source, snapshot) for snapshot in (old, new)}
    bound = type("BoundWorker", (UpdateWorker,), {"versions": versions})
    with (
        _isolated(source, **git.ISOLATED),
        bound(
            dst_path=project, settings=SettingsModel(), skip_answered=True, **_options(new.version, answers)
        ) as worker,
    ):
        worker.run_update()


def _start_over(project: Path) -> None:
    """Put a temporary clone back to its commit."""
    git.run("reset", "--hard", "--quiet", cwd=project, env=git.ISOLATED)
    git.run("clean", "-ffdxq", cwd=project, env=git.ISOLATED)


def _template(source: Source, snapshot: Snapshot) -> Template:
    """Copier's template object with everything filled in that it would ask git for, one per snapshot."""
    known = snapshot.compiled.get("template")
    if known is None:
        known = snapshot.compiled["template"] = Template(url=source.url, ref=snapshot.version)
        known.__dict__.update(
            local_abspath=snapshot.root,
            vcs="git",
            commit=snapshot.version,
            commit_hash=snapshot.commit,
            version=_pep440(snapshot.version),
            git_index_modes={},
        )
    return known


def _pep440(name: str) -> Version | None:
    """A version as Copier compares it."""
    place = order(name)
    if place is None:
        return None
    development = "" if place.released else f".dev{place.development}"
    since = f".post{place.commits_since}" if place.commits_since else ""
    return Version(f"{place.major}.{place.minor}.{place.patch}{since}{development}")


class FastWorker(Worker):
    """A worker for a project that does not exist yet. Same output as its parent."""

    @cached_property
    def jinja_env(self) -> SandboxedEnvironment:
        """The environment of this version of the template; every worker that renders it takes the same one."""
        known = self.template.__dict__
        return known.get("_shipfolio_env") or known.setdefault("_shipfolio_env", self._compiling_once())

    def _compiling_once(self) -> SandboxedEnvironment:
        """The parent's environment, which compiles each expression once."""
        environment = super().jinja_env
        compile_string, load = environment.from_string, environment.get_template
        compiled: dict[str, Compiled | Constant] = {}

        def from_string(source: Any, *arguments: Any, **options: Any) -> Compiled | Constant:
            if arguments or options or not isinstance(source, str):
                return compile_string(source, *arguments, **options)
            forget_yield(environment)
            if source not in compiled:
                compiled[source] = compile_string(source) if "{=" in source else Constant(source)
            return compiled[source]

        def get_template(*arguments: Any, **options: Any) -> Compiled:
            forget_yield(environment)
            return load(*arguments, **options)

        environment.from_string = from_string  # type: ignore[method-assign]
        environment.get_template = get_template  # type: ignore[method-assign]
        return environment

    @cached_property
    def answers_relpath(self) -> Path:  # type: ignore[override]
        """Where the answers file goes; it cannot change while one project is rendered."""
        return super().answers_relpath

    def _render_template(self) -> None:
        self.answers_relpath  # noqa: B018 - computed before the context is frozen
        self.__dict__["_frozen_context"] = super()._render_context()
        try:
            super()._render_template()
        finally:
            del self.__dict__["_frozen_context"]

    def _render_context(self) -> Any:
        """The context of an expression; while files are rendered no answer changes, so it is built once."""
        frozen = self.__dict__.get("_frozen_context")
        return super()._render_context() if frozen is None else dict(frozen)

    def _sync_git_index_executable_bit(self, dst_relpath: Path, src_mode: int) -> None:
        """Nothing to do: a project that is being made has no git index."""


class UpdateWorker(FastWorker):
    """A worker for an update. Copier makes three copies of it, and all of them share the two template versions."""

    versions: ClassVar[dict[str, Template]] = {}

    @cached_property
    def template(self) -> Template:
        """The version that this worker renders."""
        return self.versions[str(self.resolved_vcs_ref)]

    @cached_property
    def subproject(self) -> Subproject:
        """The project, whose template is the version it was made from."""
        project = super().subproject
        recorded = project.last_answers.get("_commit")
        if recorded is not None:
            project.__dict__["template"] = self.versions[recorded]
        return project


def forget_yield(environment: SandboxedEnvironment) -> None:
    """What compiling does as a side effect, and taking a compiled template again must do too."""
    context = get_yield_context(environment)
    context.yield_name = context.yield_iterable = None


@dataclass(frozen=True)
class Constant:
    """A template without any expression."""

    text: str

    def render(self, *_arguments: Any, **_options: Any) -> str:
        """The text itself."""
        return self.text


@contextmanager
def _explained() -> Iterator[None]:
    """Copier's errors, of many kinds, as one of ours."""
    try:
        yield
    except ProcessExecutionError as error:
        raise ShipfolioError(f"git failed while rendering: {_first_line(error.stderr)}") from error
    except (CopierError, TemplateError, ValueError, TypeError, KeyError, YAMLError) as error:
        raise ShipfolioError(f"the template cannot be rendered: {error}") from error


@contextmanager
def _isolated(source: Source, **extra: str) -> Iterator[None]:
    """Copier's git reads the local source and a cache of its own, never the user's."""
    with tempfile.TemporaryDirectory(prefix="shipfolio-copier-") as cache:
        given = {name: value for name, value in os.environ.items() if name.startswith("GIT_CONFIG_")}
        own = {**given, **source.environment(), **extra, "COPIER_CACHE_DIR": cache}  # plumbum copied the rest at import
        before = {name: os.environ.get(name) for name in (*own, *git.REPOSITORY_VARIABLES)}
        os.environ.update(own)
        for name in git.REPOSITORY_VARIABLES:
            os.environ.pop(name, None)
        try:
            with local.env(**own):
                for name in git.REPOSITORY_VARIABLES:
                    local.env.pop(name, "")
                yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "no message")
