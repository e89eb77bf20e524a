"""The knowledge base: a folder of Markdown that is searched by words and by vectors."""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from anyio import to_thread

from app.bootstrap import Platform
from app.retrieval.retriever import Evidence
from app.stores.catalog import DocumentStatus
from app.stores.ports import Chunk

SHELF = (("shelf", "knowledge"),)  # tells these passages from an owner's memories in the same index
HEADING = re.compile(r"^(#{1,4}) +(.+)$", re.MULTILINE)
MAX_CHARACTERS = 1200  # of a passage; longer sections are cut between paragraphs


class KnowledgeBase:
    """Searches one folder; what changed in it since the last start is taken over before the first search."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self._platform = platform
        self._folder = folder
        self._lock = asyncio.Lock()
        self._current = False

    async def search(self, question: str) -> Evidence:
        """The best passages for `question`, and how much of it they cover."""
        async with self._lock:
            if not self._current:
                await self.refresh()
                self._current = True
        return await self._platform.retriever.search(question, dict(SHELF))

    async def refresh(self) -> None:
        """Take over new and changed documents and drop those that are gone; a missing folder changes nothing."""
        if not self._folder.is_dir():
            return
        files = {path.relative_to(self._folder).as_posix(): path for path in sorted(self._folder.rglob("*.md"))}
        for name, path in files.items():
            await self._add(name, await to_thread.run_sync(path.read_text, "utf-8"))
        await to_thread.run_sync(self._drop_others, set(files))

    async def _add(self, name: str, text: str) -> None:
        """Store a document unless it is there as it is."""
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        known = await to_thread.run_sync(self._platform.catalog.known, name)
        if known and known.sha256 == sha256:
            return
        chunks = passages(name, text)
        vectors = await self._platform.embedder.embed([f"{c.heading}\n{c.text}" for c in chunks], "document")
        await to_thread.run_sync(self._platform.index.upsert, name, chunks, vectors)
        await to_thread.run_sync(self._platform.catalog.record, name, sha256, DocumentStatus.READY)

    def _drop_others(self, names: set[str]) -> None:
        for record in self._platform.catalog.documents():
            if record.name not in names:
                self._platform.index.delete(record.name)
                self._platform.catalog.forget(record.id)


def passages(name: str, text: str) -> list[Chunk]:
    """A Markdown document cut at its headings, long sections between paragraphs; the locator is the heading path."""
    pieces = ((path, piece) for path, section in _sections(text) for piece in _pieces(section))
    return [Chunk(name, n, piece, path, tags=SHELF) for n, (path, piece) in enumerate(pieces)]


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Each section with the headings above it."""
    path: list[str] = []
    marks = list(HEADING.finditer(text))
    if before := text[: marks[0].start() if marks else None].strip():
        yield "", before
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        path = [*path[: len(mark[1]) - 1], mark[2].strip()]
        if body := text[mark.end() : following.start() if following else None].strip():
            yield " > ".join(path), body


def _pieces(section: str) -> Iterator[str]:
    """Whole paragraphs together, at most MAX_CHARACTERS where a paragraph is not longer itself."""
    piece = ""
    for paragraph in section.split("\n\n"):
        if piece and len(piece) + len(paragraph) > MAX_CHARACTERS:
            yield piece
            piece = ""
        piece = f"{piece}\n\n{paragraph}".strip()
    if piece:
        yield piece
