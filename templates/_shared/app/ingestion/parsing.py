"""Files to sections of clean text, each with a locator that a reader can follow, and tags to filter by."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.errors import UnreadableDocument
from app.ingestion.office import parse_office
from app.ingestion.pdf import parse_pdf
from app.ingestion.quality import check_bytes
from app.ingestion.sections import Section, front_matter, parse_markdown, parse_text
from app.ingestion.web_page import parse_html

Tags = tuple[tuple[str, str], ...]
PARSERS: dict[str, Callable[[str, bytes], list[Section]]] = {
    ".docx": parse_office,
    ".htm": parse_html,
    ".html": parse_html,
    ".md": parse_markdown,
    ".pdf": parse_pdf,
    ".pptx": parse_office,
    ".txt": parse_text,
    ".xlsx": parse_office,
}


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document's sections in reading order, none of them empty, and its tags, sorted."""

    name: str
    sections: tuple[Section, ...]
    tags: Tags

    @property
    def text(self) -> str:
        """All of the text, without locators."""
        return "\n".join(section.text for section in self.sections)


def parse(name: str, data: bytes, limit: int) -> ParsedDocument:
    """Read a document of at most `limit` bytes.

    Raises:
        UnreadableDocument: refused, with the reason; see `app.ingestion.quality` and the reader of its type.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in PARSERS:
        raise UnreadableDocument(f"{name!r} has an unknown type.", f"Known types: {', '.join(PARSERS)}.")
    check_bytes(name, data, limit)
    sections = tuple(section for section in PARSERS[suffix](name, data) if section.text.strip())
    if not sections:
        remedy = "A scanned PDF needs text recognition first." if suffix == ".pdf" else "Fill it and send it again."
        raise UnreadableDocument(f"{name!r} contains no text.", remedy)
    return ParsedDocument(name, sections, tags(name, data))


def tags(name: str, data: bytes) -> Tags:
    """What a search can ask for: the `format`, the first `folder` of the name, and a Markdown file's front matter."""
    path = PurePosixPath(name)
    own = front_matter(data.decode("utf-8-sig").replace("\r\n", "\n")) if path.suffix.lower() == ".md" else {}
    known = {"format": path.suffix.lower().removeprefix("."), "folder": path.parts[0] if len(path.parts) > 1 else ""}
    return tuple(sorted((own | known).items()))
