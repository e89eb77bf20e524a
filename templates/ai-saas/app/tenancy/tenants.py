"""A tenant's platform: the shared platform, reaching the data of one organisation and of no other."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.bootstrap import Platform
from app.errors import NotFound
from app.evals.answers import AnswerLog
from app.stores.catalog import Catalog
from app.tenancy.costs import OrganisationMeter, forget_account
from app.tenancy.homes import home_of
from app.tenancy.scope import SERVICE_ID, is_id, of_organisation
from app.tenancy.tables import deletions, load_tables, metadata, tenants

MOST_OPEN = 32  # organisations; on a laptop each open one has a file and its vectors in memory


Room = TypeVar("Room")


class Background(Protocol):
    """Work that goes on after calls were answered."""

    async def close(self, seconds: float) -> None:
        """Finish what can be finished in this time."""


@dataclass(frozen=True)
class Tenant:
    """An open organisation: its platform, and the rooms that stand on it, by what made them."""

    platform: Platform
    rooms: dict[Callable[[Platform], Any], Any] = field(default_factory=dict)


class Tenants:
    """Opens organisations. The ones used last stay open; another is closed when nobody works with it any more.

    `engine` is the service's database without any organisation: it shows no guarded row on PostgreSQL.
    """

    def __init__(self, platform: Platform, most_open: int = MOST_OPEN) -> None:
        """Stand on an open platform whose database is migrated.

        Raises:
            ConfigurationError: the database does not keep organisations apart.
        """
        load_tables()
        self.engine: Engine = platform.catalog.engine
        self._platform = platform
        self._home = home_of(platform)
        self._most_open = most_open
        self._open: OrderedDict[str, Tenant] = OrderedDict()
        self._background: WeakSet[Background] = WeakSet()
        self._lock = RLock()
        self._finish_deletions()

    def open(self, organisation: str) -> Platform:
        """The platform of an organisation. Who calls has made sure that the caller belongs to it.

        Raises:
            NotFound: there is no such organisation.
        """
        return self._tenant(organisation).platform

    def room(self, organisation: str, make: Callable[[Platform], Room]) -> Room:
        """What `make` (such as `Library`) makes of the organisation's platform, made once while it is open.

        Raises:
            NotFound: there is no such organisation.
        """
        with self._lock:
            tenant = self._tenant(organisation)
            if make not in tenant.rooms:
                tenant.rooms[make] = make(tenant.platform)
            room: Room = tenant.rooms[make]
        return room

    def close_later(self, background: Background) -> None:
        """Let this be closed when the service stops, also if its organisation is no longer open by then."""
        with self._lock:
            self._background.add(background)

    async def close(self, seconds: float) -> None:
        """Finish in this time what goes on in the background; calls are no longer answered."""
        with self._lock:
            background = list(self._background)
        await asyncio.gather(*(each.close(seconds) for each in background))

    def service(self) -> Platform:
        """The shared platform for what is no organisation's, such as the feedback of who runs the service.

        On SQLite the service's own file is enough; in PostgreSQL's separated tables it needs a name as well.
        """
        if self.engine.dialect.name == "sqlite":
            return self._platform
        catalog = Catalog(of_organisation(self.engine, SERVICE_ID))
        answers = AnswerLog(catalog.engine, self._platform.settings.quality)
        return replace(self._platform, catalog=catalog, answers=answers)

    def exists(self, organisation: str) -> bool:
        """Whether there is such an organisation, as the database says now."""
        if not is_id(organisation) or organisation == SERVICE_ID:
            return False
        with self.engine.connect() as connection:
            found = connection.execute(sa.select(tenants.c.id).where(tenants.c.id == organisation)).first()
        return found is not None

    def all(self) -> list[str]:
        """The ids of all organisations, oldest first."""
        with self.engine.connect() as connection:
            query = sa.select(tenants.c.id).where(tenants.c.id != SERVICE_ID)
            return list(connection.scalars(query.order_by(tenants.c.created_at, tenants.c.id)))

    def delete(self, organisation: str) -> None:
        """Delete an organisation with all that is its own: rows, passages, vectors, cached answers, files.

        Its rows go at once, and from then on nothing can be written for it. What a process leaves that is killed before
        the files are gone, the next one removes when it starts. Jobs are `app.tenancy.work`'s.

        Raises:
            NotFound: there is no such organisation.
        """
        if not self.exists(organisation):
            raise _unknown(organisation)
        with of_organisation(self.engine, organisation).begin() as connection:
            connection.execute(deletions.insert().values(id=organisation))
            forget_account(connection, organisation)
            for table in reversed(metadata.sorted_tables):
                for key in table.foreign_keys:
                    if key.column is tenants.c.id:
                        connection.execute(table.delete().where(key.parent == organisation))
            connection.execute(tenants.delete().where(tenants.c.id == organisation))
        with self._lock:
            self._open.pop(organisation, None)
            self._finish_deletions()

    def _tenant(self, organisation: str) -> Tenant:
        with self._lock:
            tenant = self._open.get(organisation) or self._make(organisation)
            self._open[organisation] = tenant
            self._open.move_to_end(organisation)
            while len(self._open) > self._most_open:
                self._open.popitem(last=False)
        return tenant

    def _make(self, organisation: str) -> Tenant:
        if not self.exists(organisation):
            raise _unknown(organisation)
        catalog, index = self._home.catalog(organisation), self._home.index(organisation)
        if not self.exists(organisation):  # another process deleted it meanwhile
            self._remove_data(organisation)
            raise _unknown(organisation)
        platform = self._platform
        own = {
            "catalog": catalog,
            "index": index,
            "meter": OrganisationMeter(platform.meter, organisation),
            "retriever": platform.retriever.over(index),
            "answers": AnswerLog(catalog.engine, platform.settings.quality),
        }
        return Tenant(replace(platform, **own))

    def _finish_deletions(self) -> None:
        with self.engine.connect() as connection:
            gone = connection.scalars(sa.select(deletions.c.id)).all()
        for organisation in gone:
            self._remove_data(organisation)
            with self.engine.begin() as connection:
                connection.execute(deletions.delete().where(deletions.c.id == organisation))

    def _remove_data(self, organisation: str) -> None:
        for remove in self._home.remove:
            remove(organisation)


def _unknown(organisation: str) -> NotFound:
    return NotFound(f"There is no organisation {organisation!r}.", "GET /v1/organisations lists yours.")
