"""The vectors of each owner's memories in this process: read from the database once, then only what changed."""

import threading
from collections import OrderedDict

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

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
            scores = np.vecdot(owned.matrix, vector)
            best = np.argpartition(-scores, limit)[:limit] if len(scores) > limit else np.arange(len(scores))
            ordered = sorted((int(i) for i in best), key=lambda i: (-scores[i], i))
            return [(int(owned.rows[i]), float(scores[i])) for i in ordered]

    def _refresh(self, connection: Connection, owner: str, owned: "_Owned") -> None:
        """Read what is new and drop what is gone; every change moves the count or the newest row."""
        row, vector = self._table.row, self._table.vector
        mine = sa.and_(self._table.owner == owner, self._table.embedding == self._embedding)
        count, newest = connection.execute(sa.select(sa.func.count(), sa.func.max(row)).where(mine)).one()
        if (count, newest) == owned.state:
            return
        stored = np.array(connection.scalars(sa.select(row).where(mine)).all(), dtype=np.int64)
        keep, missing = np.isin(owned.rows, stored), np.setdiff1d(stored, owned.rows)
        owned.rows, owned.matrix = owned.rows[keep], owned.matrix[keep]
        if len(missing):
            wanted = set(missing.tolist())
            query = sa.select(row, vector).where(mine, row >= int(missing[0])).order_by(row)
            read = [(number, data) for number, data in connection.execute(query) if number in wanted]
            fresh = np.frombuffer(b"".join(data for _, data in read), dtype=np.float32)
            owned.rows = np.concatenate([owned.rows, np.array([number for number, _ in read], dtype=np.int64)])
            owned.matrix = np.concatenate([owned.matrix, fresh.reshape(len(read), self._dimensions)])
        owned.state = (count, newest)


class _Owned:
    """One owner's rows and their vectors, shape (rows, dimensions), as of `state`: the count and the newest row."""

    def __init__(self, dimensions: int) -> None:
        self.state: tuple[int, int | None] = (0, None)
        self.rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.matrix: NDArray[np.float32] = np.empty((0, dimensions), dtype=np.float32)
