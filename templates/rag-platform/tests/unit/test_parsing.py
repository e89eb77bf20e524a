"""Documents become sections that a reader can find again, with tags, cut into chunks."""

import time
from pathlib import Path

import pytest

from app.ingestion.chunking import chunk
from app.ingestion.parsing import PARSERS, ParsedDocument, parse
from app.ingestion.sections import Section
from app.ingestion.settings import IngestionSettings
from app.ingestion.sources import SAMPLES

SETTINGS = IngestionSettings.model_validate({})
LIMIT = SETTINGS.max_document_bytes
MARKDOWN = b"""---
title: x
---
Intro.
# Leave { #leave }
## Carry over ##
Five days.
```
# not a heading
```
# Pay
Monthly. <!-- hidden --> Twice <!-- also
hidden --> a year. <!-- open
"""


def test_markdown_sections_carry_their_heading_path() -> None:
    sections = parse("a.md", MARKDOWN, LIMIT).sections
    assert [section.locator for section in sections] == ["beginning", "Leave > Carry over", "Pay"]
    assert "# not a heading" in sections[1].text
    assert sections[2].text == "Monthly.  Twice  a year."


def test_text_paragraphs_carry_their_lines_and_broken_sentences_are_joined() -> None:
    sections = parse("a.txt", b"TITLE\r\n\r\nA sentence that\r\n  goes on.\r\nAnother.\r\n", LIMIT).sections
    assert sections == (Section("lines 1-1", "TITLE"), Section("lines 3-6", "A sentence that goes on.\nAnother."))


def test_a_pdf_has_a_section_for_each_page() -> None:
    name = "hardware/k4-manual.pdf"
    document = parse(name, (SAMPLES / name).read_bytes(), LIMIT)
    assert [section.locator for section in document.sections] == [f"page {n}" for n in range(1, 4)]


def test_text_is_clean() -> None:
    odd = "\ufeffCafe\u0301 soft\u00adhyphen, zero\u200bwidth, \u202eturned\u202c, nul-free\x07."
    assert parse("a.md", odd.encode(), LIMIT).text == "Café softhyphen, zerowidth, turned, nul-free."


def test_tags_are_format_folder_and_the_short_values_of_front_matter() -> None:
    text = b"---\nVersion: 2024\nstatus: 'superseded' # since May\nkeys: [a, b]\nformat: fake\nempty:\n---\nText."
    assert parse("hr/a.md", text, LIMIT).tags == (
        ("folder", "hr"),
        ("format", "md"),
        ("status", "superseded"),
        ("version", "2024"),
    )
    assert parse("a.txt", text, LIMIT).tags == (("folder", ""), ("format", "txt"))


@pytest.mark.parametrize("file", sorted(f for f in SAMPLES.rglob("*") if f.suffix in PARSERS), ids=str)
def test_a_chunk_stands_where_it_says(file: Path) -> None:
    document = parse(file.relative_to(SAMPLES).as_posix(), file.read_bytes(), LIMIT)
    texts: dict[str, list[str]] = {}
    for section in document.sections:
        texts.setdefault(section.locator, []).append(section.text)
    chunks = chunk(document, SETTINGS)
    assert [c.position for c in chunks] == list(range(len(chunks)))
    for c in chunks:
        assert any(text[c.start : c.start + len(c.text)] == c.text for text in texts[c.locator])
        assert len(c.text) <= SETTINGS.chunk_max
        assert c.tags == document.tags


def test_chunks_stay_inside_their_section() -> None:
    long = Section("Long", "A sentence of about forty characters. 🙂 " * 100)
    chunks = chunk(ParsedDocument("a.md", (Section("Short", "Tiny."), long), ()), SETTINGS)
    assert chunks[0].text == "Tiny."
    assert {c.locator for c in chunks[1:]} == {"Long"}
    assert all(long.text[c.start :].startswith(c.text) for c in chunks[1:])


HOSTILE = ["<!--", "# a" + " " * 50, "#" * 10, "\n", "\n ", "-\n", "---\n", "{ #", "a", "```\n", " \n\t", "a:\n"]


@pytest.mark.parametrize("part", HOSTILE, ids=repr)
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_hostile_text_takes_no_longer_than_honest_text(name: str, part: str) -> None:
    started = time.process_time()
    document = parse(name, b"---\n" + part.encode() * (300_000 // len(part)) + b" end", LIMIT)
    chunk(document, SETTINGS)
    assert time.process_time() - started < 5
