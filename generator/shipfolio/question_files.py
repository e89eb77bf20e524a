"""Reads copier.yml and the question files that it includes, untyped: `questions` makes models of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import yaml

MERGED_SETTINGS = ("_exclude", "_skip_if_exists")


def read(content: Callable[[str], bytes]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The settings and the questions of copier.yml, merged over its documents as Copier does.

    `content` gives a file of the template repository by its name.
    """
    settings: dict[str, Any] = {}
    questions: dict[str, dict[str, Any]] = {}
    for document in _documents("copier.yml", content):
        for key, value in document.items():
            if key in MERGED_SETTINGS:
                settings.setdefault(key, []).extend(value)
            elif key.startswith("_"):
                settings[key] = value
            else:
                questions[key] = value
    return settings, questions


def _documents(name: str, content: Callable[[str], bytes]) -> Iterator[dict[str, Any]]:
    """The mappings of a multi-document file, included files in place of their `!include`."""
    for document in _load_all(name, content):
        if isinstance(document, list):
            yield from document
        elif document:
            yield document


def _load_all(name: str, content: Callable[[str], bytes]) -> list[Any]:
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):
        """A safe loader with Copier's `!include`, which always gives a list."""

    def include(loader: Any, node: yaml.ScalarNode) -> list[Any]:
        return _flattened(_load_all(loader.construct_scalar(node), content))

    Loader.add_constructor("!include", include)
    return list(yaml.load_all(content(name), Loader=Loader))


def _flattened(documents: list[Any]) -> list[Any]:
    flat: list[Any] = []
    for document in documents:
        if isinstance(document, list):
            flat.extend(document)
        elif document:
            flat.append(document)
    return flat
