"""Word, Excel and PowerPoint: read with the extra `office`, refused with the command that installs it without."""

import io
import sys
from collections.abc import Callable

import pytest

from app.errors import UnreadableDocument
from app.ingestion.parsing import parse
from tests.unit.test_quality import LIMIT, archive

DOCX = archive(
    ("[Content_Types].xml", b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
     b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
     b'<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
     b'wordprocessingml.document.main+xml"/></Types>'),
    ("_rels/.rels", b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
     b'<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
     b' Target="word/document.xml"/></Relationships>'),
    ("word/document.xml", b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
     b'<w:body><w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Leave</w:t></w:r></w:p>'
     b'<w:p><w:r><w:t>Five days move into the next year.</w:t></w:r></w:p></w:body></w:document>'),
)  # fmt: skip


def test_without_the_extra_the_reason_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "markitdown", None)
    with pytest.raises(UnreadableDocument, match="reader is not installed") as refused:
        parse("a.docx", DOCX, LIMIT)
    assert "uv sync --extra office" in refused.value.remedy


def xlsx() -> bytes:
    book = pytest.importorskip("openpyxl").Workbook()
    book.active.title = "Prices"
    book.active.append(["Size", "Price"])
    book.active.append(["Small", 1])
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def pptx() -> bytes:
    slides = pytest.importorskip("pptx").Presentation()
    slide = slides.slides.add_slide(slides.slide_layouts[1])
    slide.shapes.title.text = "Leave"
    slide.placeholders[1].text = "Five days move into the next year."
    data = io.BytesIO()
    slides.save(data)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "make", "locator", "text"),
    [
        ("a.docx", lambda: DOCX, "Leave", "Five days move into the next year."),
        ("a.xlsx", xlsx, "Prices", "| Small | 1 |"),
        ("a.pptx", pptx, "Leave", "Five days move into the next year."),
    ],
)
@pytest.mark.filterwarnings("default")  # other people's
def test_with_the_extra_headings_sheets_and_slides_are_sections(
    name: str, make: Callable[[], bytes], locator: str, text: str
) -> None:
    pytest.importorskip("markitdown", reason="OFFICE FILES ARE NOT TESTED: run `uv sync --extra office`")
    (section,) = parse(name, make(), LIMIT).sections
    assert section.locator == locator
    assert text in section.text


@pytest.mark.filterwarnings("default")
def test_with_the_extra_a_damaged_file_is_refused() -> None:
    pytest.importorskip("markitdown", reason="OFFICE FILES ARE NOT TESTED: run `uv sync --extra office`")
    with pytest.raises(UnreadableDocument, match="is damaged"):
        parse("a.docx", archive(("word/document.xml", b"<w:document")), LIMIT)
