"""YAML that people write: read strictly, and every mistake told as `file:line: what`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.errors import ConfigurationError


class StrictLoader(yaml.SafeLoader):
    """Safe YAML in which a key stands once, and an impossible value, such as a 31st of June, has a line."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401 - as PyYAML declares it
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in lines:
                    problem = f"the key {key.value!r} stands in line {lines[key.value]} already"
                    raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
                lines[key.value] = line_of(key)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401 - any YAML value
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None


def read_text(path: Path, remedy: str) -> str:
    """The file's text.

    Raises:
        ConfigurationError: it cannot be opened, or a line of it is no UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", remedy) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}:{line}: this is no UTF-8 text.", "Save the file as UTF-8.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(path: Path, text: str, remedy: str, above: int = 0) -> tuple[yaml.Node | None, Any]:
    """The YAML `text` as its nodes, which know their lines, and as its value; `above` lines of the file precede it.

    Raises:
        ConfigurationError: it is no YAML, a key stands twice or a value is impossible; with the line.
    """
    try:
        loader = StrictLoader("\n" * above + text)
        node = loader.get_single_node()
        return node, loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: {error.problem or error.context}.", remedy) from None
    except yaml.reader.ReaderError as error:
        line = above + text[: max(error.position - above, 0)].count("\n") + 1
        raise ConfigurationError(f"{path}:{line}: a character that YAML does not allow.", remedy) from None


def places(path: Path, root: yaml.Node | None, error: ValidationError, skip: int = 0) -> str:
    """`file:line: field: problem` for each thing that does not fit; `skip` parts of a field's way are left out."""
    return "; ".join(f"{path}:{line_at(root, e['loc'])}: {_problem(e, skip)}" for e in error.errors())


def line_at(root: yaml.Node | None, location: Sequence[str | int]) -> int:
    """The line of the deepest node on the way to `location` that the file has."""
    node = root
    for part in location:
        inner = below(node, part)
        if inner is None:
            break
        node = inner
    return line_of(node)


def below(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    """What stands in a mapping under a key, or in a list at a place; None where nothing does."""
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part]
    return None


def line_of(node: yaml.Node | None) -> int:
    """The line on which a node begins, from 1."""
    return node.start_mark.line + 1 if node else 1


def _problem(error: ErrorDetails, skip: int) -> str:
    way = ".".join(map(str, error["loc"][skip:]))
    said = (
        "this word is not known" if error["type"] == "extra_forbidden" else error["msg"].removeprefix("Value error, ")
    )
    return f"{way}: {said}" if way else said
