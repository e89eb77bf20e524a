"""Everything that an organisation's workspace holds, as one archive to take away."""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO

import sqlalchemy as sa

from app.answering.conversations import turns
from app.workspace.flavour import Flavour
from app.workspace.rooms import Rooms
from app.workspace.sources import sources

IN_MEMORY_BYTES = 5_000_000  # a larger archive is written to a temporary file
PIECE_BYTES = 65_536


def archive(rooms: Rooms, flavour: Flavour) -> IO[bytes]:
    """A zip: each document as it was read, and every row of conversations, citations and the flavour's own tables.

    The service keeps no copy of the uploaded files once they are read, so their text is what there is to give.
    """
    file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - `pieces` closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        records = rooms.library.catalog.documents()
        states = [{"name": r.name, "status": r.status, "reason": r.reason, "sha256": r.sha256} for r in records]
        packed.writestr("documents.json", json.dumps(states, indent=1, ensure_ascii=False))
        for record in records:
            passages = rooms.library.passages(record.id)
            text = "\n\n".join(f"[{passage.locator}]\n{passage.text}" for passage in passages)
            packed.writestr(f"documents/{record.name}.txt", text)
        for table in (turns, sources, *flavour.tables):
            packed.writestr(f"{table.name}.jsonl", "".join(_lines(rooms, table)))
    file.seek(0)
    return file


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The archive, piece by piece; it is gone afterwards."""
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _lines(rooms: Rooms, table: sa.Table) -> Iterator[str]:
    """Every row as a line of JSON; times as ISO 8601."""
    with rooms.platform.catalog.engine.connect() as connection:
        for row in connection.execute(table.select()).mappings():
            yield json.dumps(dict(row), default=str, ensure_ascii=False) + "\n"
