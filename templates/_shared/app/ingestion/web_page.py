"""HTML to sections: what a reader of the page sees, without scripts, menus and hidden text.

lxml passes events on and builds no tree: 200,000 nested tags, which take a tree-building parser minutes, and tags that
are never closed, on which Python's own parser spends cubic time, cost no more than as much text.
"""

import re

from lxml import etree

from app.ingestion.quality import decode_text
from app.ingestion.sections import Section, by_heading, clean

UNSEEN = frozenset(
    "script style noscript template nav button select iframe object svg canvas audio video dialog title".split()
)
BLOCKS = frozenset(
    "address article aside blockquote body caption dd details div dl dt fieldset figcaption figure footer form h1 h2 "
    "h3 h4 h5 h6 header hr li main ol p pre section summary table tr ul".split()
)
HEADINGS = {f"h{level}": level for level in range(1, 7)}
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")


def parse_html(name: str, data: bytes) -> list[Section]:
    """One section for each heading, as in Markdown; each row of a table is a line, its cells divided by ` | `."""
    parser = etree.HTMLParser(target=_PageReader(), huge_tree=True)
    parser.feed(clean(decode_text(name, data)))
    return by_heading(parser.close())


class _PageReader:
    """Collects (level, text) lines; what stands outside a `<main>` is dropped where there is one."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []
        self._line: list[str] = []
        self._cells: list[str] = []
        self._title = ""
        self._in_row = self._in_title = self._preformatted = False
        self._unseen: tuple[str, int] = ("", 0)  # the tag that hides text now, and how many of it are open

    def close(self) -> list[tuple[int, str]]:
        """All lines; the page's title heads a page without a first heading."""
        self._end_block("")
        titled = any(level == 1 for level, _ in self._lines)
        return self._lines if titled or not self._title.strip() else [(1, _spaced(self._title)), *self._lines]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag opens, perhaps one that the parser supplied."""
        self._in_title |= tag == "title" and not self._title
        hiding, depth = self._unseen
        if depth:
            self._unseen = (hiding, depth + (tag == hiding))
            return
        self._unseen = (tag, int(tag in UNSEEN or _is_hidden(attributes)))
        if tag == "main":
            self._lines.clear()
            self._line.clear()
        if tag in ("td", "th"):
            self._end_cell()
        elif tag == "br" or (self._in_row and tag in BLOCKS - HEADINGS.keys() - {"tr", "table"}):
            self._line.append(" " if self._in_row else "\n")
        elif tag in BLOCKS:
            self._end_block("")
        if tag == "li" and not self._in_row:
            self._line.append("- ")
        self._in_row = (self._in_row or tag == "tr") and tag not in HEADINGS
        self._preformatted |= tag == "pre"

    def end(self, tag: str) -> None:
        """A tag closes."""
        self._in_title &= tag != "title"
        hiding, depth = self._unseen
        if depth:
            self._unseen = (hiding, depth - (tag == hiding))
        elif tag == "main":
            self._end_block("")
            self._unseen = ("main", 1)
        elif tag in ("tr", "table") or (tag in BLOCKS and not self._in_row):
            self._end_block(tag)

    def data(self, data: str) -> None:
        """Text, or a part of it."""
        if self._in_title:
            self._title += data
        elif not self._unseen[1]:
            self._line.append(data if self._preformatted else re.sub(r"\s+", " ", data))

    def _end_cell(self) -> None:
        self._cells.append(_spaced("".join(self._line)))
        self._line.clear()

    def _end_block(self, tag: str) -> None:
        """Turn what was collected into a row, a heading or lines of text."""
        if self._in_row:
            self._end_cell()
        text = " | ".join(self._cells).strip(" |") if self._in_row else "".join(self._line)
        if not self._preformatted:
            text = "\n".join(map(_spaced, text.split("\n")))
        self._line.clear()
        self._cells.clear()
        if text.strip(" \n-"):
            self._lines.append((HEADINGS.get(tag, 0), _spaced(text) if tag in HEADINGS else text))
        if tag in BLOCKS - {"li", "tr"} and self._lines[-1:] != [(0, "")]:
            self._lines.append((0, ""))
        self._in_row = False
        self._preformatted &= tag != "pre"


def _is_hidden(attributes: dict[str, str]) -> bool:
    style = attributes.get("style", "")
    return "hidden" in attributes or attributes.get("aria-hidden") == "true" or bool(HIDDEN.search(style.lower()))


def _spaced(text: str) -> str:
    return " ".join(text.split())
