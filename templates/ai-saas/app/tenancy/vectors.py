"""The passages of one organisation in the tables that all share: PostgreSQL is told whose search it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool

from app.stores.pgvector import PgvectorIndex
from app.stores.ports import SearchIndex

NAME = "SELECT set_config('app.organisation', %(organisation)s, true), set_config('role', %(role)s, true)"


class OrganisationIndex(PgvectorIndex):
    """The shared index for one organisation. Its connections stay the shared index's own."""

    def __init__(self, pool: ConnectionPool, organisation: str, role: str) -> None:
        self._pool = pool
        self._named = {"organisation": organisation, "role": role}

    @classmethod
    def beside(cls, shared: SearchIndex, organisation: str, role: str) -> "OrganisationIndex":
        """The index of an organisation by the pool of the service's own; `role` is what `guard` returned."""
        if not isinstance(shared, PgvectorIndex):
            raise TypeError(f"{type(shared).__name__} is no index in PostgreSQL.")
        return cls(shared._pool, organisation, role)

    def close(self) -> None:
        """Nothing to release."""

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(NAME, self._named)
            yield connection
