"""The architecture of a repository, told from its import graph: each statement with the lines that prove it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.devtools.imports import Edge, Graph, Proof

MOST_PROOFS = 5
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence about the code, and where it can be read."""

    topic: str
    text: str
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class Architecture:
    """A repository explained. `layers` hold documents: those of the first import no other of the repository."""

    statements: tuple[Statement, ...]
    layers: tuple[tuple[str, ...], ...]
    graph: Graph


def explain(graph: Graph) -> Architecture:
    """What the imports say: size, starting points, layers, centre, circles, folders, and code from elsewhere.

    An edge is an import at the top of a Python file; calls, plugins and other languages are not seen.
    """
    groups = circles(graph)
    ranked = layers(graph, groups)
    parts = (_size(graph), _starts(graph), _layers(graph, ranked), _centre(graph))
    more = (_circles(graph, groups), _packages(graph), _foreign(graph))
    statements = tuple(statement for part in (*parts, *more) for statement in part)
    return Architecture(statements, tuple(map(tuple, ranked)), graph)


def circles(graph: Graph) -> list[list[str]]:
    """The strongly connected components, each sorted, in an order in which importers come before what they import.

    Kosaraju's algorithm (Aho, Hopcroft and Ullman, "Data Structures and Algorithms", 1983), without recursion.
    """
    ahead = _neighbours((edge.importer, edge.imported) for edge in graph.edges)
    back = _neighbours((edge.imported, edge.importer) for edge in graph.edges)
    finished: list[str] = []
    seen: set[str] = set()
    for start in graph.modules:
        finished += _finish_order(start, ahead, seen)
    found: list[list[str]] = []
    seen = set()
    for start in reversed(finished):
        if group := _finish_order(start, back, seen):
            found.append(sorted(group))
    return found


def layers(graph: Graph, groups: Sequence[Sequence[str]]) -> list[list[str]]:
    """Documents by the longest way down to one that imports nothing; those of one circle are in one layer."""
    ahead = _neighbours((edge.importer, edge.imported) for edge in graph.edges)
    height: dict[str, int] = {}
    for group in reversed(groups):
        below = [height[other] for document in group for other in ahead.get(document, ()) if other not in group]
        height |= dict.fromkeys(group, max(below, default=-1) + 1)
    ranked: list[list[str]] = [[] for _ in range(max(height.values(), default=-1) + 1)]
    for document in sorted(height):
        ranked[height[document]].append(document)
    return ranked


def _size(graph: Graph) -> Iterator[Statement]:
    packages = {module.package for module in graph.modules.values()}
    yield Statement(
        "size",
        f"{_count(len(graph.modules), 'Python module')} in {_count(len(packages), 'folder')} "
        f"import one another {_count(len(graph.edges), 'time')}.",
    )


def _starts(graph: Graph) -> Iterator[Statement]:
    """Programs, each with what its docstring says."""
    for module in graph.modules.values():
        if module.entry:
            says = f": {module.about.quote}" if module.about else "."
            yield Statement("start", f"{module.document} is run as a program{says}", _known(module.about, module.entry))


def _layers(graph: Graph, ranked: Sequence[Sequence[str]]) -> Iterator[Statement]:
    """One statement for each layer, from the ground up, with what its modules say of themselves."""
    for number, documents in enumerate(ranked, start=1):
        rests = "rests on no other module" if number == 1 else f"rests on the {number - 1} below"
        abouts = [graph.modules[document].about for document in documents]
        named = _named(documents)
        yield Statement("layer", f"Layer {number} {rests}: {named}.", _known(*abouts))


def _centre(graph: Graph) -> Iterator[Statement]:
    """The modules that most others import: a change there is felt widely."""
    by = graph.imported_by()
    for document in sorted(by, key=lambda document: (-len(by[document]), document))[:3]:
        if len(by[document]) > 1:
            proofs = _known(graph.modules[document].about, *(edge.proof for edge in by[document]))
            yield Statement("centre", f"{document} is imported by {_count(len(by[document]), 'module')}.", proofs)


def _circles(graph: Graph, groups: Sequence[Sequence[str]]) -> Iterator[Statement]:
    for group in groups:
        if len(group) > 1:
            inside = [edge.proof for edge in graph.edges if edge.importer in group and edge.imported in group]
            yield Statement("circle", f"These import one another in a circle: {_named(group)}.", _known(*inside))


def _packages(graph: Graph) -> Iterator[Statement]:
    """Which folder depends on which."""
    between: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        pair = graph.modules[edge.importer].package, graph.modules[edge.imported].package
        if pair[0] != pair[1]:
            between[pair].append(edge)
    for (user, used), edges in sorted(between.items()):
        proofs = _known(*(edge.proof for edge in edges))
        yield Statement("folders", f"{user} uses {used} ({_count(len(edges), 'import')}).", proofs)


def _foreign(graph: Graph) -> Iterator[Statement]:
    users = Counter({name: len({proof.document for proof in proofs}) for name, proofs in graph.foreign.items()})
    for name, count in users.most_common(MOST_NAMED):
        proofs = _known(*graph.foreign[name])
        yield Statement("foreign", f"{name} comes from outside and is used in {_count(count, 'module')}.", proofs)


def _neighbours(pairs: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one, other in pairs:
        found[one].append(other)
    return found


def _finish_order(start: str, ahead: Mapping[str, Sequence[str]], seen: set[str]) -> list[str]:
    """Everything new that can be reached from `start`, in the order in which a depth-first walk is done with it."""
    if start in seen:
        return []
    seen.add(start)
    finished: list[str] = []
    way = [(start, iter(ahead.get(start, ())))]
    while way:
        node, neighbours = way[-1]
        fresh = next((other for other in neighbours if other not in seen), None)
        if fresh is None:
            finished.append(node)
            way.pop()
        else:
            seen.add(fresh)
            way.append((fresh, iter(ahead.get(fresh, ()))))
    return finished


def _known(*proofs: Proof | None) -> tuple[Proof, ...]:
    """The first few different ones that there are."""
    return tuple(dict.fromkeys(proof for proof in proofs if proof))[:MOST_PROOFS]


def _named(documents: Sequence[str]) -> str:
    rest = len(documents) - MOST_NAMED
    return ", ".join(documents[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
