"""Who imports whom in a repository: the import graph of its Python modules, each edge with the line that proves it."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from pathlib import PurePosixPath

from app.devtools.python_code import MODULE, syntax_tree
from app.stores.ports import Chunk

ENTRY = re.compile(r"if __name__ == ([\"'])__main__\1")


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a statement about code can be read: `quote` stands word for word in `document` at `locator`."""

    document: str
    locator: str
    quote: str


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name as it is written: `target` in dots, with the module's own package before a relative one.

    `part` is the name after `from … import`, which may be a module as well.
    """

    target: str
    part: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file: what its docstring says first, what it imports at its top, and whether it is run as a program."""

    document: str
    about: Proof | None
    imports: tuple[Import, ...]
    entry: Proof | None

    @property
    def name(self) -> str:
        """The dotted path, `ferry.tides` for `ferry/tides.py`, `ferry` for `ferry/__init__.py`."""
        return ".".join(_parts(self.document))

    @property
    def package(self) -> str:
        """The folder that the file is in."""
        return PurePosixPath(self.document).parent.as_posix()


@dataclass(frozen=True, slots=True)
class Edge:
    """`importer` imports `imported`, both by document name, proven by one import statement."""

    importer: str
    imported: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Graph:
    """All modules by document name, the edges between them, and who imports which package from elsewhere."""

    modules: Mapping[str, Module]
    edges: Sequence[Edge]
    foreign: Mapping[str, Sequence[Proof]]

    def imported_by(self) -> dict[str, list[Edge]]:
        """The edges that lead to each module."""
        found: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            found[edge.imported].append(edge)
        return found


def read_module(document: str, passages: Sequence[Chunk]) -> Module:
    """A module from its passages in reading order; imports inside functions are not looked at."""
    about: Proof | None = None
    entry: Proof | None = None
    imports: list[Import] = []
    for locator, parts in groupby(passages, key=lambda passage: passage.locator):
        if not locator.startswith(f"{MODULE}, "):
            continue
        text = "\n".join(part.text for part in parts)
        tree = syntax_tree(text)
        if tree is None:
            continue
        imports += _imports(document, locator, text, tree)
        about = about or _docstring(document, locator, tree)
        started = ENTRY.search(text)
        entry = entry or (Proof(document, locator, started[0]) if started else None)
    return Module(document, about, tuple(imports), entry)


def build_graph(modules: Sequence[Module]) -> Graph:
    """Every import resolved to a module of the same repository, or else to a package from elsewhere."""
    by_name = _names(modules)
    edges: dict[tuple[str, str], Edge] = {}
    foreign: dict[str, list[Proof]] = defaultdict(list)
    for module in modules:
        for each in module.imports:
            found = _resolve(module, each, by_name)
            top = each.target.partition(".")[0]
            if found and found != module.document:
                edges.setdefault((module.document, found), Edge(module.document, found, each.proof))
            elif not found and top and top not in sys.stdlib_module_names:
                foreign[top].append(each.proof)
    return Graph({module.document: module for module in modules}, list(edges.values()), dict(foreign))


def _imports(document: str, locator: str, text: str, tree: ast.Module) -> Iterator[Import]:
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            proof = Proof(document, locator, ast.get_source_segment(text, node) or "")
            targets = _targets(document, node)
            yield from (Import(target, part, proof) for target, part in targets)


def _targets(document: str, node: ast.Import | ast.ImportFrom) -> list[tuple[str, str]]:
    """(target, part) of each name in one import statement."""
    if isinstance(node, ast.Import):
        return [(alias.name, "") for alias in node.names]
    target = node.module or ""
    if node.level:
        here = PurePosixPath(document).parent.parts
        above = here[: max(len(here) - node.level + 1, 0)]
        target = ".".join([*above, *([target] if target else [])])
    return [(target, alias.name) for alias in node.names]


def _docstring(document: str, locator: str, tree: ast.Module) -> Proof | None:
    """The docstring's first line; a quote of one line, because indentation is not part of what it says."""
    text = ast.get_docstring(tree)
    return Proof(document, locator, text.split("\n")[0]) if text else None


def _names(modules: Sequence[Module]) -> dict[tuple[str, str], list[str]]:
    """Documents by repository and by each dotted end of their path: a source folder is not part of a module's name."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for module in modules:
        parts = _parts(module.document)
        for start in range(len(parts)):
            found[parts[0], ".".join(parts[start:])].append(module.document)
    return found


def _resolve(importer: Module, each: Import, by_name: Mapping[tuple[str, str], Sequence[str]]) -> str | None:
    """The document that an import means: the longest name that fits, and of several files the one nearest by."""
    repository = importer.document.partition("/")[0]
    for name in (f"{each.target}.{each.part}" if each.part else "", each.target):
        nearby = [d for d in by_name.get((repository, name), ()) if "." in name or _beside(importer.document, d)]
        if name and nearby:
            return max(nearby, key=lambda document: (_common(importer.document, document), -len(document)))
    return None


def _beside(importer: str, document: str) -> bool:
    """Whether a bare `import tides` may mean this file: it is in a folder above, or is a package just below one."""
    path = PurePosixPath(document)
    if path.stem in sys.stdlib_module_names:
        return False
    folder = path.parent.parent if path.stem == "__init__" else path.parent
    return folder in PurePosixPath(importer).parents


def _common(one: str, other: str) -> int:
    """How many folders two paths share from the beginning."""
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _parts(document: str) -> list[str]:
    parts = list(PurePosixPath(document).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
