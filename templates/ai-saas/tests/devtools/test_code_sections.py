"""Source code is cut where a reader would: functions, methods, classes; every line is kept, nothing is run."""

import time

import pytest

from app.devtools.code import MAX_CODE_BYTES, blocks, parse_code, spelled_out
from app.devtools.python_code import parse_python, syntax_tree
from app.errors import UnreadableDocument
from app.ingestion.sections import Section
from app.workspace.flavour import Reader

SOURCE = '''"""Counts coins."""

import json
from bank import Vault

LIMIT = 3


# Money goes in.
@cached
def put(coin):
    def inner():
        return coin

    return inner()


class CoinBox(Vault):
    """Holds coins."""

    size = 9

    def open(self):
        return json.loads("{}")

    class Lock:
        def turn(self):
            pass

    async def close(self): ...


print("never run")
'''


def names(sections: list[Section]) -> list[str]:
    return [section.locator.rpartition(", ")[0] for section in sections]


def python(text: str) -> list[Section]:
    return parse_python("a.py", text.encode())


def test_python_is_cut_by_its_syntax_tree() -> None:
    assert names(python(SOURCE)) == [
        "module",
        "function put",
        "class CoinBox (Coin Box)",
        "method CoinBox.open (Coin Box.open)",
        "class CoinBox.Lock (Coin Box.Lock)",
        "method CoinBox.Lock.turn (Coin Box.Lock.turn)",
        "method CoinBox.close (Coin Box.close)",
        "module",
    ]


def test_every_line_is_in_one_section_and_the_locator_counts_it() -> None:
    lines = SOURCE.split("\n")
    seen: list[int] = []
    for section in python(SOURCE):
        first, last = section.locator.rpartition(" ")[2].partition("-")[::2]
        numbers = range(int(first), int(last or first) + 1)
        assert section.text == "\n".join(lines[n - 1] for n in numbers)
        seen += numbers
    assert sorted(seen) == sorted(set(seen))
    assert {n for n, line in enumerate(lines, start=1) if line.strip()} <= set(seen)


def test_reading_code_runs_none_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    python("import os\nos._exit(1)\n")
    python(SOURCE)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "text",
    [
        "def broken(:\n    pass",
        "(" * 5000 + ")" * 5000,
        "-" * 50_000 + "1",
        "1" + " + 1" * 30_000,
        "x = " + "[" * 150 + "]" * 150,
        "".join(f"{' ' * depth}if a:\n" for depth in range(120)) + " " * 120 + "pass",
        "a" + ".b" * 30_000,
        "print 'an older Python'",
    ],
    ids=["syntax error", "brackets", "signs", "sums", "lists", "indents", "attributes", "other Python"],
)
def test_python_that_cannot_be_parsed_is_cut_by_blocks(text: str) -> None:
    started = time.process_time()
    sections = python(text)
    assert sections
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x = 1\n" * MAX_CODE_BYTES, "generated code"),
        (b"\x00\x01\x02", "binary"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"caf\xe9", "UTF-8"),
    ],
    ids=["huge", "binary", "UTF-16", "Latin-1"],
)
@pytest.mark.parametrize("reader", [parse_python, parse_code])
def test_what_is_no_source_is_refused(reader: Reader, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        reader("a.py", data)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("export async function drawTides() {\n}", "function drawTides (draw Tides)"),
        ("export default class Chart {\n}", "class Chart"),
        ("func (s *Server) Serve() error {\n}", "function Serve"),
        ("pub(crate) fn parse(x: u8) -> u8 {\n}", "function parse"),
        ("public final class HTTPServer {\n}", "class HTTPServer (HTTP Server)"),
        ("CREATE TABLE IF NOT EXISTS reading (\n)", "table reading"),
        ("copy_all() {\n  cp a b\n}", "function copy_all"),
        ("interface Shape {\n}", "interface Shape"),
    ],
    ids=["JavaScript", "class", "Go", "Rust", "Java", "SQL", "shell", "TypeScript"],
)
def test_blocks_of_other_languages_are_named(text: str, name: str) -> None:
    assert names(blocks(f"// before\n\n{text}\n\n// after")) == ["", name, ""]


def test_a_comment_stays_with_its_function_and_an_empty_line_inside_does_not_cut() -> None:
    text = "// Adds.\nfunction add(a, b) {\n  let c = a;\n\n  return c + b;\n}\n\nfunction next() {\n}"
    assert [section.text for section in blocks(text)] == [
        text.partition("\n\nfunction next")[0],
        "function next() {\n}",
    ]


def test_small_unnamed_blocks_are_joined_and_long_runs_are_not() -> None:
    assert len(blocks("\n\n".join(f"key{n} = {n}" for n in range(5)))) == 1
    assert len(blocks("\n\n".join(f"key{n} = {n}" for n in range(100)))) > 3


@pytest.mark.parametrize(
    ("name", "words"),
    [("parseTide", "parseTide (parse Tide)"), ("HTTPServer", "HTTPServer (HTTP Server)"), ("parse_tide", "parse_tide")],
)
def test_the_words_of_a_name_stand_apart(name: str, words: str) -> None:
    assert spelled_out(name) == words


def test_odd_escapes_of_strangers_raise_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert syntax_tree(r"x = '\d'") is not None
    assert not recwarn
