"""Is this a document that can be read? Each check refuses one kind of bad data, and says how to mend it."""

import io
import re
import zipfile
from pathlib import PurePosixPath

from app.errors import UnreadableDocument

MAX_UNPACKED_BYTES = 100_000_000
MAX_UNREADABLE_SHARE = 0.1
SIGNATURES = {".pdf": b"%PDF-", ".docx": b"PK\x03\x04", ".xlsx": b"PK\x03\x04", ".pptx": b"PK\x03\x04"}
OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # also what an Office document becomes when it gets a password
WIDE_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
UNREADABLE = re.compile("[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")


def check_bytes(name: str, data: bytes, limit: int) -> None:
    """Refuse what need not be opened to know that it is no document.

    Raises:
        UnreadableDocument: nothing in it, more than `limit` bytes, or other contents than its name promises.
    """
    if not data:
        raise UnreadableDocument(f"{name!r} is empty.", "Send it again: the copy may have been cut off.")
    if len(data) > limit:
        raise UnreadableDocument(
            f"{name!r} has more than {limit:,} bytes.", "Split it, or raise APP_INGESTION__MAX_DOCUMENT_BYTES."
        )
    suffix = PurePosixPath(name).suffix.lower()
    signature = SIGNATURES.get(suffix, b"")
    if signature not in data[:1024]:
        kind = suffix.removeprefix(".").upper()
        if data.startswith(OLD_OFFICE):
            raise UnreadableDocument(f"{name!r} is encrypted or older than 2007.", f"Save it as a plain {kind} file.")
        raise UnreadableDocument(f"{name!r} is not a readable {kind}: it does not begin like one.", "Export it again.")


def decode_text(name: str, data: bytes) -> str:
    """The text in `data`.

    Raises:
        UnreadableDocument: not UTF-8, or no text at all.
    """
    wide = WIDE_ENCODINGS.get(data[:2])
    if wide is None and b"\0" in data:
        raise UnreadableDocument(f"{name!r} is binary, not text.", "Give it the ending of its real type.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"but {wide}" if wide else f"(byte {error.start})"
        raise UnreadableDocument(f"{name!r} is not UTF-8 {found}.", "Save it as UTF-8 and send it again.") from None
    check_text(name, text)
    return text


def check_text(name: str, text: str) -> None:
    """Refuse binary data that happens to decode, and PDFs whose fonts do not say which letters they draw.

    Raises:
        UnreadableDocument: more than a tenth are control or replacement characters.
    """
    unreadable = len(UNREADABLE.findall(text))
    if unreadable > len(text) * MAX_UNREADABLE_SHARE:
        raise UnreadableDocument(
            f"{name!r} is garbage: {unreadable / len(text):.0%} of its characters cannot be read.", "Export it again."
        )


def check_archive(name: str, data: bytes) -> None:
    """Refuse an Office file, which is a zip archive, before anything unpacks it.

    Raises:
        UnreadableDocument: damaged, encrypted, or so much larger unpacked that it would fill the memory.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableDocument(f"{name!r} is damaged: {error}.", "Send it again.") from None
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableDocument(f"{name!r} is encrypted.", "Remove the password first.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        raise UnreadableDocument(
            f"{name!r} would unpack to {unpacked:,} bytes.", f"The limit is {MAX_UNPACKED_BYTES:,}; split it."
        )
