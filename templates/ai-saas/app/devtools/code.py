"""Source code as text: what is accepted, how a part of it is named, and the blocks of any language.

Code is read, never run, imported or installed.
"""

import re
from collections.abc import Iterator, Sequence

from app.errors import UnreadableDocument
from app.ingestion.quality import decode_text
from app.ingestion.sections import INVISIBLE, UNBROKEN, Section

MAX_CODE_BYTES = 500_000
MAX_BLOCK_LINES = 40  # unnamed neighbours are joined up to here
MODIFIERS = r"(?:(?:export|default|public|private|protected|internal|static|async|final|abstract|pub(?:\(\w+\))?) +)*"
KINDS = r"(?P<kind>function\*?|func|fn|def|class|interface|struct|enum|trait|impl|type|module|namespace|const|resource)"
DEFINITION = re.compile(rf"{MODIFIERS}{KINDS} +(?:\([^)]{{0,80}}\) *)?(?P<name>[\w$.:]{{1,80}})")
TABLE = re.compile(r"create +(?P<kind>table|view|index|function) +(?:if +not +exists +)?(?P<name>[\w.]{1,80})", re.I)
SHELL_FUNCTION = re.compile(r"(?P<name>[\w-]{1,80}) *\(\) *\{")
CLOSING = re.compile(r"[\]})]|end\b")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
WORDS = {"function*": "function", "func": "function", "fn": "function", "def": "function"}


def read_code(name: str, data: bytes) -> str:
    """The source with plain line ends and nothing invisible; its lines are those of the file.

    Raises:
        UnreadableDocument: no UTF-8 text, or more than `MAX_CODE_BYTES`.
    """
    if len(data) > MAX_CODE_BYTES:
        raise UnreadableDocument(
            f"{name!r} has more than {MAX_CODE_BYTES:,} bytes: generated code or data.", "Leave it out, or split it."
        )
    text = decode_text(name, data).replace("\r\n", "\n").replace("\r", "\n")
    return UNBROKEN.sub(r"\g<0> ", INVISIBLE.sub("", text))


def parse_code(name: str, data: bytes) -> list[Section]:
    """The blocks of a source in any language; see `blocks`."""
    return blocks(read_code(name, data))


def blocks(text: str) -> list[Section]:
    """One section for each named definition at the left margin; what stands between is joined to blocks of its own.

    A block begins at an unindented line after an empty one, so a comment stays with what it describes.
    """
    lines = text.split("\n")
    sections: list[Section] = []
    start, open_name = 0, ""
    for first, last in _blocks(lines):
        name = _name(lines[first:last])
        joined = not name and not open_name and last - start <= MAX_BLOCK_LINES
        if first and not joined:
            sections.append(section(open_name, start, first, lines))
            start, open_name = first, name
        elif name:
            open_name = name
    return [each for each in (*sections, section(open_name, start, len(lines), lines)) if each.text]


def section(name: str, first: int, last: int, lines: Sequence[str]) -> Section:
    """The lines [first, last) counted from 0 under a locator counted from 1; blank lines around them do not count."""
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    place = f"line {first + 1}" if last - first <= 1 else f"lines {first + 1}-{last}"
    return Section(f"{name}, {place}" if name else place, "\n".join(lines[first:last]))


def spelled_out(name: str) -> str:
    """`parseTide (parse Tide)`: a search for words finds a name only if they stand apart."""
    words = CAMEL.sub(" ", name)
    return name if words == name else f"{name} ({words})"


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where blocks begin and end, [first, last) each."""
    first = 0
    for number in range(1, len(lines)):
        line = lines[number]
        begins = line[:1].strip() and not lines[number - 1].strip() and not CLOSING.match(line)
        if begins:
            yield first, number
            first = number
    yield first, len(lines)


def _name(lines: Sequence[str]) -> str:
    """What a block defines, such as `function drawTides (draw Tides)`; empty when it defines nothing by name."""
    for line in lines:
        found = DEFINITION.match(line) or TABLE.match(line)
        if found:
            kind = found["kind"].lower()
            return f"{WORDS.get(kind, kind)} {spelled_out(found['name'].rstrip(':'))}"
        if shell := SHELL_FUNCTION.match(line):
            return f"function {shell['name']}"
    return ""
