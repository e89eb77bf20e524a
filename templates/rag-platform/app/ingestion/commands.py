"""`app ingest` and `app forget`: documents from the disk into the library, and out of it again."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app.bootstrap import open_platform
from app.console import talk
from app.errors import InvalidInput
from app.ingestion.library import Library, Source
from app.ingestion.sources import documents_in
from app.settings import load_settings
from app.stores.catalog import DocumentRecord, DocumentStatus, document_id

BATCH_DOCUMENTS = 32
BATCH_BYTES = 4_000_000


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Folders or documents (.md .txt .html .pdf .docx .xlsx .pptx).")],
) -> None:
    """Read documents into the library. Unchanged ones are left alone; a refused one does not stop the rest."""
    with open_platform(load_settings()) as platform:
        records = asyncio.run(ingest_all(Library(platform), paths))
    failed = [record for record in records if record.status is DocumentStatus.FAILED]
    for record in records:
        if record.reason:
            word, style = ("refused", "yellow") if record in failed else ("note", "cyan")
            talk.print(f"{word}: {record.reason}", style=style, markup=False, highlight=False)
    ready = len(records) - len(failed)
    print(f"{ready} of {len(records)} documents ready, {sum(r.chunks for r in records)} passages.")
    if failed:
        raise typer.Exit(1)


def forget(names: Annotated[list[str], typer.Argument(help="Names of documents as `app ingest` gave them.")]) -> None:
    """Remove documents and their passages from the library."""
    with open_platform(load_settings()) as platform:
        library = Library(platform)
        for name in names:
            asyncio.run(library.remove(document_id(name)))
            print(f"Forgot {name}.")


async def ingest_all(library: Library, paths: Sequence[Path]) -> list[DocumentRecord]:
    """Add every document below `paths` in batches, with a progress bar on a terminal."""
    found = list(documents_in(paths))
    records: list[DocumentRecord] = []
    columns = (TextColumn("Ingesting"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=talk, disable=not talk.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=len(found))
        for batch in batches(found, library.max_bytes):
            records += await library.add_batch(batch)
            refused = sum(record.status is DocumentStatus.FAILED for record in records)
            progress.update(task, advance=len(batch), description=f"{refused} refused" if refused else "")
    return records


def batches(files: Sequence[tuple[str, Path]], max_bytes: int) -> Iterator[list[Source]]:
    """Read (name, file) pairs into batches that share model calls and yet fit into memory.

    Of a file with more than `max_bytes`, which will be refused, little more than these are read.

    Raises:
        InvalidInput: a file that this user may not read.
    """
    batch: list[Source] = []
    size = 0
    for name, file in files:
        try:
            with file.open("rb") as opened:
                source = Source(name, opened.read(max_bytes + 1))
        except OSError as error:
            raise InvalidInput(f"{str(file)!r} cannot be read: {error.strerror}.", "Check its permissions.") from None
        if batch and (len(batch) == BATCH_DOCUMENTS or size + len(source.data) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(source)
        size += len(source.data)
    if batch:
        yield batch
