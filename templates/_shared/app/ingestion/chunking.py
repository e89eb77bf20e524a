"""Sections to chunks of a size that a model reads well; a chunk never crosses a heading or a page."""

from itertools import count

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from app.ingestion.parsing import ParsedDocument
from app.ingestion.settings import IngestionSettings
from app.stores.ports import Chunk


def chunk(document: ParsedDocument, settings: IngestionSettings) -> list[Chunk]:
    """Cut every section at paragraph, list and sentence ends into `chunk_min` to `chunk_max` characters."""
    size = (settings.chunk_min, settings.chunk_max)
    splitter = MarkdownSplitter(size) if document.name.endswith(".md") else TextSplitter(size)
    positions = count()
    return [
        Chunk(document.name, next(positions), text, section.locator, start, document.tags)
        for section in document.sections
        for start, text in splitter.chunk_indices(section.text)
    ]
