"""Each kind of bad data is refused with a reason that its owner understands."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from pypdf import PdfWriter

from app.errors import UnreadableDocument
from app.ingestion import pdf, quality
from app.ingestion.parsing import parse

LIMIT = 1_000_000


def pdf_with(prepare: Callable[[PdfWriter], object]) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    prepare(writer)
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def archive(*entries: tuple[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return data.getvalue()


def with_encryption_flag(data: bytes) -> bytes:
    """The archive with the flag of an encrypted entry in its directory."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", 1) + data[at + 2 :]


REFUSED = {
    "nothing in it": ("a.md", b"", "is empty"),
    "only spaces": ("a.md", b"  \n", "contains no text"),
    "only front matter": ("a.md", b"---\nversion: 1\n---\n", "contains no text"),
    "only a script": ("a.html", b"<script>alert('hi')</script>", "contains no text"),
    "a picture as PDF": ("a.pdf", pdf_with(lambda _: None), "contains no text.*text recognition"),
    "too large": ("a.md", b"x" * (LIMIT + 1), "more than 1,000,000 bytes"),
    "unknown type": ("a.exe", b"MZ", "unknown type"),
    "no type": ("README", b"text", "unknown type"),
    "Latin-1": ("a.md", "Café".encode("latin-1"), r"not UTF-8 \(byte 3\)"),
    "Latin-1 as HTML": ("a.html", "<p>Café".encode("latin-1"), "not UTF-8"),
    "UTF-16": ("a.txt", "Café".encode("utf-16"), "not UTF-8 but UTF-16"),
    "binary as text": ("a.txt", b"PK\x03\x04\x00\x00", "binary"),
    "control characters": ("a.txt", b"\x01\x02\x03 words \x04\x05\x06", "garbage: 46%"),
    "replacement characters": ("a.md", "�� lost ��".encode(), "garbage"),
    "text as PDF": ("a.pdf", b"Just text.", "not a readable PDF: it does not begin like one"),
    "HTML as Word": ("a.docx", b"<html>", "not a readable DOCX"),
    "damaged PDF": ("a.pdf", b"%PDF-1.4 nonsense", "not a readable PDF"),
    "cut PDF": ("a.pdf", pdf_with(lambda _: None)[:200], "not a readable PDF|contains no text"),
    "encrypted PDF": ("a.pdf", pdf_with(lambda w: w.encrypt("secret", algorithm="RC4-128")), "is encrypted"),
    "encrypted Word": ("a.docx", b"\xd0\xcf\x11\xe0" + bytes(100), "encrypted or older than 2007"),
    "encrypted archive": ("a.xlsx", with_encryption_flag(archive(("x", b"x"))), "is encrypted"),
    "damaged Excel": ("a.xlsx", b"PK\x03\x04 cut off", "is damaged"),
}


@pytest.mark.parametrize(("name", "data", "reason"), REFUSED.values(), ids=REFUSED)
def test_bad_data_is_refused_with_its_reason(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason) as refused:
        parse(name, data, LIMIT)
    assert repr(name) in refused.value.message
    assert refused.value.remedy


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MAX_UNPACKED_BYTES", 1_000_000)
    bomb = archive(("word/document.xml", bytes(1_000_001)))
    assert len(bomb) < 2000
    with pytest.raises(UnreadableDocument, match="would unpack to 1,000,001 bytes"):
        parse("a.docx", bomb, LIMIT)


def test_a_pdf_with_absurdly_many_pages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(UnreadableDocument, match="has 3 pages"):
        parse("a.pdf", pdf_with(lambda w: [w.add_blank_page(9, 9) for _ in range(2)]), LIMIT)


def test_a_few_odd_characters_do_no_harm() -> None:
    document = parse("a.txt", b"\x1b[1mBold\x1b[0m text with one \xef\xbf\xbd in it, and a form feed\x0c.", LIMIT)
    assert document.text == "[1mBold[0m text with one \ufffd in it, and a form feed."
