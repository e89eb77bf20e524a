"""Text to sections with locators: cleaning, paragraphs of plain text, the heading paths of Markdown and HTML."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from app.ingestion.quality import decode_text

HEADING = re.compile(r"(#{1,6})\s+(.*)")
ANCHOR = re.compile(r"\s*\{ ?#[\w-]+ ?\}$")  # `## Title { #title }`, as documentation tools write it
FENCE = re.compile(r"^\s*(```|~~~)")
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
FRONT_MATTER_LINE = re.compile(r"^([A-Za-z][\w-]{0,39}): *([^\n]{1,80})$", re.MULTILINE)
UNBROKEN = re.compile(r"\S{400}(?=\S)")  # cutting takes quadratic time where no space allows a cut
# Control characters, and those that have no width or turn the reading direction: a reader does not see them.
INVISIBLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a document under one locator: a heading path, a page, or lines."""

    locator: str
    text: str


def parse_markdown(name: str, data: bytes) -> list[Section]:
    """One section for each heading; the locator is the path of headings above the text."""
    return markdown_sections(clean(decode_text(name, data)))


def markdown_sections(text: str) -> list[Section]:
    """The sections of clean Markdown, without front matter, comments and the anchors of headings."""
    lines: list[tuple[int, str]] = []
    fenced = False
    for line in _without_comments(FRONT_MATTER.sub("", text)).split("\n"):
        fenced ^= bool(FENCE.match(line))
        heading = None if fenced else HEADING.fullmatch(line)
        title = ANCHOR.sub("", heading[2].rstrip().rstrip("#").rstrip()) if heading else ""
        lines.append((len(heading[1]), title) if heading and title else (0, line))
    return by_heading(lines)


def front_matter(text: str) -> dict[str, str]:
    """The short values of a Markdown file's front matter, such as `version: 2024`; lists and long texts are left."""
    block = FRONT_MATTER.match(text)
    pairs = FRONT_MATTER_LINE.findall(block[1]) if block else []
    values = {key.lower(): value.partition(" #")[0].strip().strip("\"'") for key, value in pairs}
    return {key: value for key, value in values.items() if value and value[0] not in "[{&*|>"}


def by_heading(lines: Iterable[tuple[int, str]]) -> list[Section]:
    """Group (level, text) lines, where level 0 is text and 1 to 6 a heading, under their path of headings."""
    sections: list[tuple[str, list[str]]] = [("beginning", [])]
    path: list[str] = []
    for level, text in lines:
        if level:
            path = [*path[: level - 1], text]
            sections.append((" > ".join(path), []))
        else:
            sections[-1][1].append(text)
    return [Section(locator, "\n".join(texts).strip()) for locator, texts in sections]


def parse_text(name: str, data: bytes) -> list[Section]:
    """One section for each paragraph; the locator counts lines from 1."""
    sections: list[Section] = []
    line = 1
    for paragraph in re.split(r"(\n\s*\n)", clean(decode_text(name, data))):
        first, line = line, line + paragraph.count("\n")
        sections.append(Section(f"lines {first}-{line}", unwrap(paragraph.strip())))
    return sections


def clean(text: str) -> str:
    """Composed letters, plain line ends, nothing invisible, and no run too long to cut."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return UNBROKEN.sub(r"\g<0> ", INVISIBLE.sub("", text))


def unwrap(text: str) -> str:
    """Join lines that were broken in the middle of a sentence or of a hyphenated word."""
    text = re.sub(r"(?<=\w)-\n\s*(?=[a-z])", "", text)
    return re.sub(r"(?<=[\w,;])\n[ \t]*(?=[a-z(])", " ", text)


def _without_comments(text: str) -> str:
    """Cut `<!-- … -->` in one pass; a regular expression would look to the end again for each that is not closed."""
    kept, _, rest = text.partition("<!--")
    pieces = [kept]
    while "-->" in rest:
        kept, _, rest = rest.partition("-->")[2].partition("<!--")
        pieces.append(kept)
    return "".join(pieces)
