"""Whether the golden questions have to be asked again: the documents changed since they were asked on them last."""

from datetime import UTC, datetime

import sqlalchemy as sa

from app.stores.catalog import Catalog, documents
from app.stores.database import Moment, metadata

evaluations = sa.Table(
    "index_evaluation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("index_version", sa.String(64), nullable=False),
    sa.Column("evaluated_at", Moment, nullable=False),
)


class IndexEvaluations:
    """Remembers which state of the served documents was evaluated, in their own database."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def due(self) -> bool:
        """Whether there are documents, and other ones than at the last evaluation."""
        with self._catalog.engine.connect() as connection:
            filled = connection.execute(sa.select(documents.c.id).limit(1)).first()
            query = sa.select(evaluations.c.index_version).order_by(evaluations.c.id.desc()).limit(1)
            last = connection.execute(query).scalar()
        return filled is not None and last != self._catalog.version()

    def last(self) -> datetime | None:
        """When the golden questions were asked on the served index, if they ever were."""
        query = sa.select(evaluations.c.evaluated_at).order_by(evaluations.c.id.desc()).limit(1)
        with self._catalog.engine.connect() as connection:
            return connection.execute(query).scalar()

    def note(self, index_version: str) -> None:
        """Remember that this state was evaluated."""
        with self._catalog.engine.begin() as connection:
            connection.execute(evaluations.insert().values(index_version=index_version, evaluated_at=datetime.now(UTC)))
