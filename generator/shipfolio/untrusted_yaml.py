"""Reads YAML that a stranger wrote. libyaml overflows the stack on deep nesting; here that is an error."""

from __future__ import annotations

from typing import Any

import yaml

MAX_DEPTH = 100
SAFE_BRACKETS = 1_000
SAFE_LINE = 1_000
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
OPENING = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
CLOSING = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


def load(text: str) -> Any:
    """The content. Raises yaml.YAMLError for what is broken or nested more than `MAX_DEPTH` deep."""
    if _may_be_deep(text):
        _require_shallow(text)
    try:
        return yaml.load(text, Loader=LOADER)
    except (ValueError, TypeError, RecursionError, OverflowError, AttributeError) as error:
        raise yaml.YAMLError(str(error)) from None


def _may_be_deep(text: str) -> bool:
    """Whether deep nesting is possible at all: it takes many brackets, or long lines (indentation, `- - -`)."""
    brackets = text.count("[") + text.count("{")
    return brackets > SAFE_BRACKETS or any(len(line) > SAFE_LINE for line in text.splitlines())


def _require_shallow(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, OPENING) - isinstance(event, CLOSING)
        if depth > MAX_DEPTH:
            raise yaml.YAMLError(f"nested more than {MAX_DEPTH} deep")
