"""The vectors of each owner's memories in this process: read from the database once, then only what changed."""

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

BLOCK = 8_192  # rows that are read, and stand in memory, together
OWNERS = 64  # whose vectors stay in this process; the least recently asked go first


class VectorShelf:
    """Answers which rows of an owner lie nearest to a vector; safe from several threads and processes.

    `table` has the columns `row` (never given twice, never changed), `owner`, `embedding` and `vector`.
    """

    def __init__(self, table: sa.Table, embedding: str, dimensions: int) -> None:
        self._table = table.c
        self._embedding = embedding
        self._dimensions = dimensions
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, _Owned] = OrderedDict()

    def nearest(
        self, connection: Connection, owner: str, vector: NDArray[np.float32], limit: int
    ) -> list[tuple[int, float]]:
        """Rows with their cosine, best first."""
        with self._lock:
            owned = self._owners.setdefault(owner, _Owned(self._dimensions))
            self._owners.move_to_end(owner)
            if len(self._owners) > OWNERS:
                self._owners.popitem(last=False)
            self._refresh(connection, owner, owned)
            scores = np.concatenate([np.vecdot(matrix, vector) for _, matrix in owned.blocks])
            rows = np.concatenate([rows for rows, _ in owned.blocks])
            best = np.argpartition(-scores, limit)[:limit] if len(scores) > limit else np.arange(len(scores))
            ordered = sorted((int(i) for i in best), key=lambda i: (-scores[i], i))
            return [(int(rows[i]), float(scores[i])) for i in ordered]

    def _refresh(self, connection: Connection, owner: str, owned: "_Owned") -> None:
        """Read what is new and drop what is gone; every change moves the count or the newest row."""
        row = self._table.row
        mine = sa.and_(self._table.owner == owner, self._table.embedding == self._embedding)
        state = connection.execute(sa.select(sa.func.count(), sa.func.max(row)).where(mine)).one()
        if state == owned.state:
            return
        self._read(connection, owned, sa.and_(mine, row > owned.newest))
        if owned.size != state[0]:  # something is gone, or was written late
            stored = np.array(connection.scalars(sa.select(row).where(mine)).all(), dtype=np.int64)
            late = owned.keep_only(stored)
            for start in range(0, len(late), BLOCK):
                self._read(connection, owned, sa.and_(mine, row.in_(late[start : start + BLOCK])))
        owned.state = state

    def _read(self, connection: Connection, owned: "_Owned", where: sa.ColumnElement[bool]) -> None:
        """Add the rows for which `where` holds, block by block."""
        found = connection.execute(
            sa.select(self._table.row, self._table.vector).where(where).order_by(self._table.row)
        )
        while block := found.fetchmany(BLOCK):
            vectors = np.frombuffer(b"".join(data for _, data in block), dtype=np.float32)
            owned.add(np.array([row for row, _ in block], dtype=np.int64), vectors.reshape(len(block), -1))


class _Owned:
    """One owner's rows and their vectors in blocks, as of `state`: the count and the newest row."""

    def __init__(self, dimensions: int) -> None:
        self.state: tuple[int, int | None] | sa.Row[Any] = (0, None)
        self.blocks = [(np.empty(0, dtype=np.int64), np.empty((0, dimensions), dtype=np.float32))]

    @property
    def size(self) -> int:
        """How many rows there are."""
        return sum(len(rows) for rows, _ in self.blocks)

    @property
    def newest(self) -> int:
        """The largest row."""
        return max((int(rows.max()) for rows, _ in self.blocks if len(rows)), default=0)

    def add(self, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Put rows into the last block, or into a new one where that is full: only a small part is ever copied."""
        last, matrix = self.blocks[-1]
        if len(last) + len(rows) <= BLOCK:
            self.blocks[-1] = (np.concatenate([last, rows]), np.concatenate([matrix, vectors]))
        else:
            self.blocks.append((rows, vectors))

    def keep_only(self, stored: NDArray[np.int64]) -> list[int]:
        """Drop every row that is not stored, and return the stored ones that are missing here."""
        for place, (rows, matrix) in enumerate(self.blocks):
            keep = np.isin(rows, stored)
            if not keep.all():
                self.blocks[place] = (rows[keep], matrix[keep])
        known = np.concatenate([rows for rows, _ in self.blocks])
        missing: list[int] = np.setdiff1d(stored, known).tolist()
        return missing
