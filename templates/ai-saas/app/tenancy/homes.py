"""Where an organisation's rows and passages live: a file of its own, guarded tables, or a collection of its own."""

import shutil
import sqlite3
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.bootstrap import POSTGRESQL, QDRANT, SQLITE, Platform
from app.errors import ConfigurationError
from app.settings import EmbeddingSettings, Settings
from app.stores.catalog import Catalog
from app.stores.database import BUSY_SECONDS, open_database, use_write_ahead_log
from app.stores.ports import SearchIndex
from app.stores.sqlite import SQLiteIndex
from app.tenancy.isolation import guard, require_isolation
from app.tenancy.scope import of_organisation

DATABASE = "data.db"


@dataclass(frozen=True)
class Home:
    """How the catalog and the index of one organisation are opened, and what removes that which has no rows to go."""

    catalog: Callable[[str], Catalog]
    index: Callable[[str], SearchIndex]
    remove: tuple[Callable[[str], None], ...] = ()


def home_of(platform: Platform) -> Home:
    """What the settings' databases make possible.

    Raises:
        ConfigurationError: databases that do not go together, or that do not keep organisations apart.
    """
    settings = platform.settings
    home = _on_server(platform) if settings.store.url.startswith(POSTGRESQL) else _in_files(settings)
    index_url = settings.store.index_url or settings.store.url
    if index_url.startswith(QDRANT):
        collections = Collections(settings)
        return replace(home, index=collections.open, remove=(*home.remove, collections.remove))
    if index_url != settings.store.url:
        raise ConfigurationError(
            "APP_STORE__INDEX_URL names another database than APP_STORE__URL, where organisations are not known.",
            "Leave it empty, or name a Qdrant server.",
        )
    return home


def _in_files(settings: Settings) -> Home:
    """A folder for each organisation beside the service's file, called by its id: no query reaches another's rows."""
    folder = Path(settings.store.url.removeprefix(SQLITE)).absolute().parent / "organisations"
    embedding = settings.embedding

    def catalog(organisation: str) -> Catalog:
        path = folder / organisation / DATABASE
        path.parent.mkdir(parents=True, exist_ok=True)
        open_database(f"{SQLITE}{path}").dispose()
        return Catalog(_file_engine(path))

    def index(organisation: str) -> SearchIndex:
        return SQLiteIndex(folder / organisation / DATABASE, embedding.model, embedding.dimensions)

    def remove(organisation: str) -> None:
        shutil.rmtree(folder / organisation, ignore_errors=True)

    return Home(catalog, index, (remove,))


def _file_engine(path: Path) -> Engine:
    """The database in an existing file. No connection is kept, and a deleted file does not come back empty."""

    def connect() -> sqlite3.Connection:
        uri = f"{path.as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
    sa.event.listen(engine, "connect", lambda connection, _: use_write_ahead_log(connection))
    return engine


def _on_server(platform: Platform) -> Home:
    """Tables and pools that all organisations share; PostgreSQL shows each its own rows."""
    from app.tenancy.vectors import OrganisationIndex  # here, because a laptop without PostgreSQL need not load it

    engine, shared = platform.catalog.engine, platform.index
    role = guard(engine)
    require_isolation(engine)
    return Home(
        lambda organisation: Catalog(of_organisation(engine, organisation)),
        lambda organisation: OrganisationIndex.beside(shared, organisation, role),
    )


class Collections:
    """A collection of a Qdrant server for each organisation: its name ends with the organisation's id."""

    def __init__(self, settings: Settings) -> None:
        from app.stores.qdrant import connect  # here, because few projects install its client

        key = settings.store.index_key
        self._address = settings.store.index_url or "", key.get_secret_value() if key else None
        self._embedding: EmbeddingSettings = settings.embedding
        self._client, self._base = connect(*self._address)

    def open(self, organisation: str) -> SearchIndex:
        """The organisation's index; its connections are closed when nobody uses it any more."""
        from app.stores.qdrant import QdrantIndex, connect

        client, _ = connect(*self._address)
        embedding = self._embedding
        index = QdrantIndex(client, self._name(organisation), embedding.model, embedding.dimensions)
        weakref.finalize(index, client.close)
        return index

    def remove(self, organisation: str) -> None:
        """Delete the collection."""
        self._client.delete_collection(self._name(organisation))

    def _name(self, organisation: str) -> str:
        return f"{self._base}-{organisation}"
