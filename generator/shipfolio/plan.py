"""Computes the files of a project without Copier: what `status` compares with, in a tenth of the time.

It knows the few features of Copier that our templates use and refuses every other (`NotPlannable`, and the caller
renders with Copier). tests/update holds it to Copier's output, byte for byte, for every released version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import FileSystemBytecodeCache, StrictUndefined, TemplateError
from jinja2.bccache import Bucket
from jinja2.loaders import FunctionLoader
from jinja2.sandbox import SandboxedEnvironment
from platformdirs import user_cache_path

from shipfolio import question_files
from shipfolio.project import ANSWERS_FILE
from shipfolio.source import Archive, Snapshot

SETTINGS = {"_min_copier_version", "_subdirectory", "_envops", "_exclude", "_skip_if_exists"}
TRUE_WORDS = {"true", "yes", "on", "y", "t", "1"}
LOOP = re.compile(r"\{=% yield (\w+) from (\w+) %=\}\{= \1 =\}\{=% endyield %=\}\.jinja")
INCLUDE = re.compile(r'\{=% include "([\w/]+/)" ~ (\w+) %=\}\n?')
ANSWERS_NAME = "{= _copier_conf.answers_file =}.jinja"
NEWLINE = re.compile(rb"\r\n|\r|\n")


class NotPlannable(Exception):
    """The template uses something that this module does not know."""


@dataclass(frozen=True)
class Planned:
    """The files of a project, and which of them belong to the learner once they are there."""

    files: dict[str, bytes]
    owned: frozenset[str]


def plan(templates: Archive | Snapshot, answers: Mapping[str, str], url: str) -> Planned:
    """The files that Copier writes for these answers. Raises NotPlannable where Copier has to be asked."""
    with _refusing():
        return _layout(templates).planned(answers, {"_commit": templates.version, "_src_path": url})


def misfits(templates: Archive | Snapshot, answers: Mapping[str, str]) -> list[str]:
    """What is wrong with each answer that a version does not accept. Raises NotPlannable."""
    with _refusing():
        return _layout(templates).misfits(answers)


def _layout(templates: Archive | Snapshot) -> Layout:
    if "layout" not in templates.compiled:
        files = templates.files if isinstance(templates, Archive) else _read(templates.root)
        templates.compiled["layout"] = Layout(files)
    return templates.compiled["layout"]


def _read(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (TemplateError, OSError, KeyError, AttributeError, TypeError, ValueError, yaml.YAMLError) as error:
        raise NotPlannable(str(error)) from error


@dataclass
class Layout:
    """One version of the templates, read and compiled as far as the answers do not matter."""

    content: dict[str, bytes]

    def __post_init__(self) -> None:
        self.settings, self.questions = question_files.read(self.content.__getitem__)
        if not set(self.settings) <= SETTINGS:
            raise NotPlannable(f"settings {sorted(set(self.settings) - SETTINGS)}")

    def planned(self, answers: Mapping[str, str], origin: Mapping[str, str]) -> Planned:
        """Every file with its content, sorted by path."""
        context = self._context(answers, origin)
        excluded, owned = (
            self._matcher(self.settings.get(key, ()), context) for key in ("_exclude", "_skip_if_exists")
        )
        found = self._files(self._text(self.settings["_subdirectory"], context) + "/", context)
        files = {path: content for path, content in sorted(found) if not excluded(path)}
        return Planned(files=files, owned=frozenset(filter(owned, files)))

    def misfits(self, answers: Mapping[str, str]) -> list[str]:
        """What is wrong with each answer that this version does not accept (Copier would take the default instead)."""
        context = self._context(answers, {})
        wrong = []
        for name, question in self.questions.items():
            value, choices = context[name], question.get("choices")
            if question.get("when", True) is False or name not in answers:
                continue
            if choices and value not in choices.values():
                wrong.append(f"{name} {value!r} is none of {', '.join(choices.values())}")
            elif problem := self._text(question.get("validator", ""), context).strip():
                wrong.append(f"{name}: {problem}")
        return wrong

    @cached_property
    def environment(self) -> SandboxedEnvironment:
        """Copier's environment for these templates; what is no file of theirs is a text by itself."""
        loader = FunctionLoader(lambda name: self.content[name].decode("utf-8") if name in self.content else name)
        return _environment(self.delimiters).overlay(loader=loader)

    @property
    def delimiters(self) -> tuple[tuple[str, str], ...]:
        """How this version writes its expressions."""
        return tuple((key, value) for key, value in self.settings["_envops"].items() if key != "undefined")

    def _context(self, answers: Mapping[str, str], origin: Mapping[str, str]) -> dict[str, Any]:
        """The variables of every expression: answers, computed values, and what the answers file stores."""
        context: dict[str, Any] = {}
        stored = dict(origin)
        for name, question in self.questions.items():
            asked = self._applies(question.get("when", True), context)
            if asked and name in answers:
                context[name] = answers[name]
            else:
                context[name] = self._default(question, context)
            if asked:
                stored[name] = context[name]
        return {**context, "_copier_answers": stored, "_copier_conf": {"answers_file": ANSWERS_FILE}}

    def _applies(self, when: str | bool, context: Mapping[str, Any]) -> bool:
        return when if isinstance(when, bool) else self._text(when, context).strip().lower() in TRUE_WORDS

    def _default(self, question: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        default = question["default"]
        if not isinstance(default, str):
            return default
        rendered = self._text(default, context)
        return yaml.safe_load(rendered) if question["type"] == "yaml" else rendered

    def _matcher(self, patterns: list[str], context: Mapping[str, Any]) -> Callable[[str], bool]:
        return _matcher(tuple(self._text(pattern, context) for pattern in patterns))

    def _files(self, folder: str, context: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        for path in [path for path in self.content if path.startswith(folder)]:
            name = path.removeprefix(folder)
            loop = LOOP.fullmatch(name)
            if loop:
                yield from self._looped(path, loop[1], context[loop[2]], context)
            else:
                yield self._file(name, path, context)

    def _file(self, name: str, path: str, context: dict[str, Any]) -> tuple[str, bytes]:
        target = ANSWERS_FILE + ".jinja" if name == ANSWERS_NAME else name
        if "{=" in target:
            raise NotPlannable(f"file name {name!r}")
        if not name.endswith(".jinja"):
            return target, self.content[path]
        return target.removesuffix(".jinja"), self._rendered(path, context)

    def _looped(self, path: str, item: str, values: list[str], context: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        """The overlay file: one file per value, with the content of the file that it includes."""
        include = INCLUDE.fullmatch(self.content[path].decode("utf-8"))
        if include is None or include[2] != item:
            raise NotPlannable(f"overlay {path!r}")
        for value in values:
            yield value, self._rendered(include[1] + value, {**context, item: value})

    @cached_property
    def _plain(self) -> dict[str, bytes]:
        """The files without any expression, with Jinja's line endings: the same in every project."""
        plain = {path: content for path, content in self.content.items() if b"{=" not in content}
        return {path: NEWLINE.sub(b"\n", content) if b"\r" in content else content for path, content in plain.items()}

    def _rendered(self, path: str, context: Mapping[str, Any]) -> bytes:
        """A template file, rendered; one without any expression is taken as it is."""
        plain = self._plain.get(path)
        return self._text(self.content[path].decode("utf-8"), context).encode() if plain is None else plain

    def _text(self, source: str, context: Mapping[str, Any]) -> str:
        """A text, rendered; compiled once."""
        if "{=" not in source:
            return source
        environment = self.environment if "include" in source else _environment(self.delimiters)
        return environment.get_template(source).render(context)


@lru_cache(maxsize=32)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a path matches one of the patterns; most projects of a cohort ask for the same paths."""
    from pathspec import PathSpec

    return lru_cache(maxsize=4096)(PathSpec.from_lines("gitignore", patterns).match_file)


class Compiled(FileSystemBytecodeCache):
    """Compiled texts in the user's cache folder: compiling them takes longer than all the rest of a status."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was compiled before, if it is there and can be read."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, where there is a place and room."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


@lru_cache(maxsize=1)
def _cache() -> Compiled | None:
    """None where no cache folder can be made."""
    with suppress(OSError):
        return Compiled(str(user_cache_path("shipfolio", ensure_exists=True)))
    return None


@lru_cache(maxsize=4)
def _environment(delimiters: tuple[tuple[str, str], ...]) -> SandboxedEnvironment:
    """An environment in which a text is its own name: the versions of a template share most of them."""
    options: dict[str, Any] = dict(delimiters)
    return SandboxedEnvironment(
        loader=FunctionLoader(lambda source: source),
        bytecode_cache=_cache(),
        cache_size=1024,
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        optimized=False,  # most texts are rendered once
        **options,
    )
