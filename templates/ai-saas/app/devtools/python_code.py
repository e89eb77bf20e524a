"""Python source cut by its syntax tree: a section for each function, method and class, none of its code is run."""

import ast
import warnings
from collections.abc import Iterator, Sequence

from app.devtools.code import blocks, read_code, section, spelled_out
from app.ingestion.sections import Section

MODULE = "module"  # the locator of what stands outside of functions and classes: docstring, imports, constants
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parse_python(name: str, data: bytes) -> list[Section]:
    """One section for each function and method, one for the head of each class, and those for what is between.

    All lines of the file are in one section. A file of another Python's syntax, or nested too deeply, is cut by blocks.

    Raises:
        UnreadableDocument: as for `read_code`.
    """
    text = read_code(name, data)
    tree = syntax_tree(text)
    if tree is None:
        return blocks(text)
    lines = text.split("\n")
    cut = _cut(tree.body, MODULE, "", 0, len(lines))
    sections = (section(where, first, last, lines) for where, first, last in cut)
    return [each for each in sections if each.text]


def syntax_tree(text: str) -> ast.Module | None:
    """The tree of a source, or None where this Python cannot read it; parsing runs nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stranger's odd escapes are not this service's warnings
            return ast.parse(text)
    except UNREADABLE:
        return None


def _cut(body: Sequence[ast.stmt], around: str, prefix: str, first: int, last: int) -> Iterator[tuple[str, int, int]]:
    """(locator, first, last) for the lines [first, last): definitions by name, the rest under `around`."""
    for node in body:
        if not isinstance(node, Definition):
            continue
        begin = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
        end = node.end_lineno or node.lineno
        if begin > first:
            yield around, first, begin
        yield from _definition(node, prefix, max(begin, first), end)
        first = max(end, first)
    if last > first:
        yield around, first, last


def _definition(node: Definition, prefix: str, first: int, last: int) -> Iterator[tuple[str, int, int]]:
    """A function as one piece; a class as its head and its methods."""
    name = f"{prefix}{node.name}"
    if isinstance(node, ast.ClassDef):
        yield from _cut(node.body, f"class {spelled_out(name)}", f"{name}.", first, last)
    else:
        yield f"{'method' if prefix else 'function'} {spelled_out(name)}", first, last
