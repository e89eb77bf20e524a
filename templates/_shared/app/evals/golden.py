"""Golden files: a mistake in them is told with its line, and a version says which cases they hold."""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_evals import Dataset

from app.errors import ConfigurationError
from app.evals.records import replace_file
from app.yaml_files import below, line_of, parse, places, read_text

UNFINISHED = "<fill in>"  # what a drafted case leaves to a person
REMEDY = "evals/README.md describes the fields of a case."


def load_dataset(kind: type[Dataset[Any, Any, Any]], path: Path) -> Dataset[Any, Any, Any]:
    """The cases of a golden file, each whole and with a name of its own.

    Raises:
        ConfigurationError: the file is missing, broken or empty, a case is unfinished or has no name, or two share one;
            with the line.
    """
    root, _ = _read(path)
    _check_finished(path, root)
    try:
        return kind.from_file(path)
    except ValueError as error:
        raise ConfigurationError(_told(path, root, error), REMEDY) from None


def dataset_version(path: Path) -> str:
    """Twelve hex digits that change with any case, but not with a comment or the file's layout.

    Raises:
        ConfigurationError: as for `load_dataset`, but what is inside a case is not looked at.
    """
    cases = _read(path)[1]["cases"]
    return hashlib.sha256(json.dumps(cases, sort_keys=True, default=str).encode()).hexdigest()[:12]


def add_cases(path: Path, cases: Mapping[str, tuple[str, Mapping[str, object]]]) -> list[str]:
    """Append cases by name, each below a remark; return the names that were not there yet. The rest stays as it is.

    Raises:
        ConfigurationError: the file is missing, broken, or does not end with its cases; nothing is written then.
    """
    root, values = _read(path)
    text = path.read_text(encoding="utf-8").rstrip("\n")
    known = values["cases"]
    new = {name: case for name, case in cases.items() if name not in {case["name"] for case in known}}
    dash = " " * (_column(below(below(root, "cases"), 0)) - len("- "))
    for name, (remark, case) in new.items():
        fields = (f"\n{dash}  {field}: {_flow(value)}" for field, value in case.items())
        text += f"\n{dash}# {' '.join(remark.split())}\n{dash}- name: {name}{''.join(fields)}"
    try:
        sound = yaml.safe_load(text)["cases"] == known + [{"name": name, **case} for name, (_, case) in new.items()]
    except yaml.YAMLError:
        sound = False
    if not sound:
        raise ConfigurationError(f"{path}: cases cannot be added at its end.", "Move `cases:` to the end, as a list.")
    replace_file(path, f"{text}\n".encode())
    return list(new)


def _flow(value: object) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=sys.maxsize, sort_keys=False)
    return text.strip()


def _read(path: Path) -> tuple[yaml.Node | None, Any]:
    """The file's nodes, which know their lines, and its value; well formed and each case named.

    Raises:
        ConfigurationError: as for `load_dataset`.
    """
    root, values = parse(path, read_text(path, REMEDY), REMEDY)
    _check_names(path, root)
    return root, values


def _check_names(path: Path, root: yaml.Node | None) -> None:
    """Refuse a case without a name and a name that was used before."""
    cases = below(root, "cases")
    if not isinstance(cases, yaml.SequenceNode) or not cases.value:
        raise ConfigurationError(f"{path}: there is no case below `cases:`.", REMEDY)
    lines: dict[str, int] = {}
    for case in cases.value:
        name, line = below(case, "name"), line_of(case)
        if not isinstance(name, yaml.ScalarNode) or not name.value.strip() or name.tag.endswith(":null"):
            raise ConfigurationError(f"{path}:{line}: this case has no name.", "Give it one that no other case has.")
        if name.value in lines:
            first = lines[name.value]
            raise ConfigurationError(
                f"{path}:{line}: the name {name.value!r} is taken by the case in line {first}.", "Choose another name."
            )
        lines[name.value] = line


def _check_finished(path: Path, node: yaml.Node | None) -> None:
    """Refuse a case in which something was left to a person."""
    if isinstance(node, yaml.ScalarNode) and node.value == UNFINISHED:
        raise ConfigurationError(
            f"{path}:{line_of(node)}: this case still says {UNFINISHED}.", f"Finish the case or remove it. {REMEDY}"
        )
    inner = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else []
    for part in node.value if isinstance(node, yaml.SequenceNode) else inner:
        _check_finished(path, part)


def _told(path: Path, root: yaml.Node | None, error: ValueError) -> str:
    """`file:line: problem` for each thing that does not fit the schema."""
    if not isinstance(error.__cause__, ValidationError):
        return f"{path}: {error}"
    return places(path, root, error.__cause__, skip=2)


def _column(node: yaml.Node | None) -> int:
    return node.start_mark.column if node else 0
