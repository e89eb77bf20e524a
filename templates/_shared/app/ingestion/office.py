"""Word, Excel and PowerPoint files to sections, by way of Markdown. Needs the extra `office`."""

import io
from pathlib import PurePosixPath

from app.errors import UnreadableDocument
from app.ingestion.quality import check_archive, check_text
from app.ingestion.sections import Section, clean, markdown_sections


def parse_office(name: str, data: bytes) -> list[Section]:
    """One section for each heading, sheet or slide.

    Raises:
        UnreadableDocument: damaged, encrypted, a zip bomb, or the extra is not installed.
    """
    check_archive(name, data)
    try:
        from markitdown import MarkItDown, StreamInfo  # pyrefly: ignore[missing-import] - an extra
    except ImportError:
        raise UnreadableDocument(
            f"{name!r} is an Office document, and their reader is not installed.", "Run `uv sync --extra office`."
        ) from None
    try:
        suffix = PurePosixPath(name).suffix.lower()
        markdown = MarkItDown(enable_plugins=False).convert_stream(
            io.BytesIO(data), stream_info=StreamInfo(extension=suffix)
        )
    except Exception as error:  # noqa: BLE001 - a damaged file breaks its reader in any way
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UnreadableDocument(f"{name!r} is damaged: {reason}.", "Save it again.") from None
    check_text(name, markdown.markdown)
    return markdown_sections(clean(markdown.markdown))
