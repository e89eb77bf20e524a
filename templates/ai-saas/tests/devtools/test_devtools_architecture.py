"""The import graph says what imports what, and each statement about it can be checked in the code."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.devtools.architecture import Architecture, explain
from app.devtools.imports import build_graph, read_module
from app.devtools.python_code import parse_python
from app.ingestion.chunking import chunk
from app.ingestion.parsing import ParsedDocument
from app.ingestion.settings import IngestionSettings
from app.stores.ports import Chunk

SETTINGS = IngestionSettings.model_validate({})
SAMPLE = Path("samples/devtools")


def passages(name: str, text: str) -> list[Chunk]:
    """A file as the library would hold it."""
    return chunk(ParsedDocument(name, tuple(parse_python(name, text.encode())), ()), SETTINGS)


def explained(files: Mapping[str, str]) -> Architecture:
    return explain(build_graph([read_module(name, passages(name, text)) for name, text in files.items()]))


def edges(files: Mapping[str, str]) -> set[tuple[str, str]]:
    return {(edge.importer, edge.imported) for edge in explained(files).graph.edges}


@pytest.mark.parametrize(
    "line",
    [
        "import bank.coins",
        "import bank.coins as money",
        "from bank import coins",
        "from bank.coins import Coin",
        "from . import coins",
        "from .coins import (\n    Coin,\n    Note,\n)",
    ],
)
def test_every_way_to_import_is_an_edge(line: str) -> None:
    files = {"repo/src/bank/vault.py": line, "repo/src/bank/coins.py": "x = 1", "repo/src/bank/__init__.py": ""}
    assert edges(files) == {("repo/src/bank/vault.py", "repo/src/bank/coins.py")}


def test_a_relative_import_climbs() -> None:
    files = {
        "repo/bank/web/page.py": "from ..coins import Coin",
        "repo/bank/coins.py": "x = 1",
        "repo/coins.py": "y = 2",
    }
    assert edges(files) == {("repo/bank/web/page.py", "repo/bank/coins.py")}


def test_of_two_files_of_a_name_the_nearest_is_meant() -> None:
    files = {
        "repo/one/bank/coins.py": "x = 1",
        "repo/two/bank/coins.py": "x = 2",
        "repo/two/bank/vault.py": "from bank.coins import x",
    }
    assert edges(files) == {("repo/two/bank/vault.py", "repo/two/bank/coins.py")}


def test_other_repositories_and_the_standard_library_are_not_in_the_graph() -> None:
    files = {"repo/a.py": "import json\nimport b\nimport numpy.linalg", "other/b.py": "x = 1", "repo/json.py": "x = 1"}
    architecture = explained(files)
    assert not architecture.graph.edges
    assert sorted(architecture.graph.foreign) == ["b", "numpy"]


def test_a_text_that_only_talks_of_an_import_is_none() -> None:
    assert edges({"repo/a.py": '"""Write\n\nimport b\n"""\nx = "import b"', "repo/b.py": "x = 1"}) == set()


def test_layers_rise_from_what_imports_nothing() -> None:
    files = {"r/a.py": "import b\nimport c", "r/b.py": "import c", "r/c.py": "x = 1", "r/d.py": "x = 1"}
    assert explained(files).layers == (("r/c.py", "r/d.py"), ("r/b.py",), ("r/a.py",))


def test_a_circle_is_told_and_is_one_layer() -> None:
    files = {"r/a.py": "import b", "r/b.py": "import c", "r/c.py": "import a\nimport d", "r/d.py": "x = 1"}
    architecture = explained(files)
    assert architecture.layers == (("r/d.py",), ("r/a.py", "r/b.py", "r/c.py"))
    (circle,) = [statement for statement in architecture.statements if statement.topic == "circle"]
    assert [proof.quote for proof in circle.proofs] == ["import b", "import c", "import a"]


def test_a_long_chain_of_modules_needs_no_recursion() -> None:
    files = {f"r/m{n}.py": f"import m{n + 1}" for n in range(3000)} | {"r/m3000.py": "x = 1"}
    modules = [read_module(name, [Chunk(name, 0, text, "module, line 1")]) for name, text in files.items()]
    assert len(explain(build_graph(modules)).layers) == 3001


def test_an_empty_graph_says_so() -> None:
    assert [statement.text for statement in explained({}).statements] == [
        "0 Python modules in 0 folders import one another 0 times."
    ]


@pytest.fixture(scope="module")
def sample() -> Architecture:
    """The sample repository."""
    files = sorted(SAMPLE.rglob("*.py"))
    return explained({file.relative_to(SAMPLE).as_posix(): file.read_text(encoding="utf-8") for file in files})


def test_every_proof_of_the_sample_stands_in_its_file(sample: Architecture) -> None:
    for statement in sample.statements:
        assert statement.proofs or statement.topic == "size", statement.text
        for proof in statement.proofs:
            assert proof.quote in (SAMPLE / proof.document).read_text(encoding="utf-8"), proof


def test_the_sample_has_no_circle_and_starts_at_its_command_line(sample: Architecture) -> None:
    starts = [statement.text for statement in sample.statements if statement.topic == "start"]
    assert any("tidewatch/tidewatch/cli.py is run as a program" in text for text in starts)
    assert not [statement for statement in sample.statements if statement.topic == "circle"]
