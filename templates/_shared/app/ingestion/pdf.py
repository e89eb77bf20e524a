"""PDF to sections: one for each page."""

import io

from pypdf import PdfReader

from app.errors import UnreadableDocument
from app.ingestion.quality import check_text
from app.ingestion.sections import Section, clean, unwrap

MAX_PAGES = 2_000


def parse_pdf(name: str, data: bytes) -> list[Section]:
    """One section for each page, lines joined where the page broke them.

    Raises:
        UnreadableDocument: encrypted, damaged, with fonts that hide their letters, or with more than `MAX_PAGES` pages.
    """
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise UnreadableDocument(f"{name!r} is encrypted.", "Remove the password first.")
        if len(reader.pages) > MAX_PAGES:
            raise UnreadableDocument(
                f"{name!r} has {len(reader.pages):,} pages.", f"The limit is {MAX_PAGES:,}; split it."
            )
        pages = [page.extract_text() for page in reader.pages]
    except UnreadableDocument:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file breaks its reader in any way
        raise UnreadableDocument(f"{name!r} is not a readable PDF: {error}.", "Export it again.") from None
    check_text(name, "".join(pages))
    return [Section(f"page {n}", unwrap(clean(text))) for n, text in enumerate(pages, start=1)]
