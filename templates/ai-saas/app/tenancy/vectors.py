"""The passages of one organisation in the tables that all share: PostgreSQL is told whose search it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool

from app.stores.pgvector import PgvectorIndex
from app.stores.ports import SearchIndex


class OrganisationIndex(PgvectorIndex):
    """The shared index for one organisation. Its connections stay the shared index's own."""

    def __init__(self, pool: ConnectionPool, organisation: str) -> None:
        self._pool = pool
        self._organisation = organisation

    @classmethod
    def beside(cls, shared: SearchIndex, organisation: str) -> "OrganisationIndex":
        """The index of an organisation by the pool of the service's own."""
        if not isinstance(shared, PgvectorIndex):
            raise TypeError(f"{type(shared).__name__} is no index in PostgreSQL.")
        return cls(shared._pool, organisation)

    def close(self) -> None:
        """Nothing to release."""

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('app.organisation', %s, true)", (self._organisation,))
            yield connection
