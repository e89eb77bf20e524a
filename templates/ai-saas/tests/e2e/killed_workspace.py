"""An organisation at work, whose process is killed around every commit and every file. Prints what came of it.

Run as `python -m tests.e2e.killed_workspace FOLDER`. Each attempt is a process of its own: it gets one moment further
than the one before and is killed with SIGKILL. Then the service starts again, and who asked for the work asks again.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.billing.plans import load_plans
from app.billing.usage import Usage
from app.bootstrap import open_platform
from app.errors import NotFound
from app.ingestion.intake import uploads
from app.ingestion.library import Library, Source
from app.migrations.running import prepare
from app.organisations.access import Access
from app.settings import LogSettings, Settings, StoreSettings
from app.stores.catalog import document_id
from app.stores.sqlite import SQLiteIndex
from app.tenancy.scope import OrganisationScope, Role
from app.tenancy.tables import tenants as tenant_table
from app.tenancy.tenants import Tenants
from app.tenancy.work import DocumentWork
from app.workspace.intake import DocumentIntake
from app.workspace.rooms import Workspace, open_rooms
from tests.integration.one_of_everything import OWN, SHARED, counts, fill, found, traces

NAME = "leave.md"
FIRST = "# Leave\n\nUp to five unused days of leave move into the next year.\n"
SECOND = f"{FIRST.replace('five', 'seven')}\nLeave is asked for in time.\n"
MOST_ATTEMPTS = 60


@dataclass(frozen=True)
class Service:
    """What a process of the service opens at its start, and the organisation that works."""

    tenants: Tenants
    folder: Path

    @property
    def scope(self) -> OrganisationScope:
        """The organisation that works."""
        return OrganisationScope((self.folder / "worker").read_text(), "", Role.OWNER)

    @property
    def library(self) -> Library:
        """Its documents."""
        return Library(self.tenants.open(self.scope.organisation))

    @property
    def intake(self) -> DocumentIntake:
        """The way in."""
        return DocumentIntake(Usage(self.tenants.engine, load_plans()))


Step = Callable[[Service], object]


def main(folder: Path) -> None:
    """Send, read, replace, read and delete a document; then delete organisations."""
    with serving(folder) as service:
        (folder / "worker").write_text(found(service.tenants))
        for step in (send_first, read, delete):  # loads here what each process would have to load
            step(service)
    steps: dict[str, Step] = {
        "sent": send_first,
        "replaced": send_second,
        "read": read,
        "deleted": delete,
    }
    told = {}
    for name, step in steps.items():
        kills = until_done(folder, step, before=forget_attempts if step is read else None)
        in_a_process(folder, lambda service: (folder / "state").write_text(json.dumps(state(service))))
        told[name] = {"kills": kills, **json.loads((folder / "state").read_text())}
        if step is send_first:  # the next version replaces one that was read
            in_a_process(folder, read)
    kills = until_done(folder, delete_organisation, before=found_another)
    in_a_process(folder, look_at_deleted)
    fates = (folder / "fates").read_text().split()
    print(json.dumps({"steps": told, "organisations": {"kills": kills, "fates": fates}}))


def until_done(folder: Path, work: Step, before: Step | None = None) -> int:
    """Do the work in one process after the other until one lives; how many were killed."""
    for attempt in range(MOST_ATTEMPTS):
        if os.WIFEXITED(in_a_process(folder, work, before, kill_at=attempt)):
            return attempt
    raise AssertionError("it never came to an end")


def in_a_process(folder: Path, work: Step, before: Step | None = None, kill_at: int = -1) -> int:
    """Do this in a process that starts the service; it lives to the end, or is killed at that moment of `work`."""
    process = os.fork()
    if process == 0:
        with serving(folder) as service:
            if before:
                before(service)
            if kill_at >= 0:
                arm(kill_at)
            work(service)
            os._exit(0)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return status


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """The service on its database; a failure ends the process."""
    try:
        store, quiet = StoreSettings(url=f"sqlite:///{folder}/app.db"), LogSettings.model_validate({"level": "ERROR"})
        with open_platform(Settings(store=store, log=quiet)) as platform:
            prepare(platform.catalog.engine)
            yield Service(Tenants(platform), folder)
    except BaseException:  # noqa: BLE001 - told, and the exit code says so
        traceback.print_exc()
        os._exit(1)


def arm(moment: int) -> None:
    """Be killed at that moment: before or after a commit, a change of the index, or the end of a file."""
    moments, committing = count(), threading.Event()

    def pass_by(*_: object) -> None:
        if next(moments) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def commits(_: object) -> None:
        pass_by()
        committing.set()

    def comes_back(*_: object) -> None:
        if committing.is_set():
            committing.clear()
            pass_by()

    def passing(call: Callable[..., Any]) -> Callable[..., Any]:
        def around(*arguments: object, **named: object) -> object:
            pass_by()
            result = call(*arguments, **named)
            pass_by()
            return result

        return around

    sa.event.listen(sa.engine.Engine, "commit", commits)
    sa.event.listen(sa.pool.Pool, "checkin", comes_back)
    # shutil.rmtree calls os.unlink for each file
    for owner, name in ((SQLiteIndex, "upsert"), (SQLiteIndex, "delete"), (shutil, "rmtree"), (os, "unlink")):
        setattr(owner, name, passing(getattr(owner, name)))


def send_first(service: Service) -> None:
    """Upload the document."""
    service.intake.accept(service.scope, service.library, [Source(NAME, FIRST.encode())])


def send_second(service: Service) -> None:
    """Upload another version of it."""
    service.intake.accept(service.scope, service.library, [Source(NAME, SECOND.encode())])


def forget_attempts(service: Service) -> None:
    """A document whose process ends five times is given up; here each time is the first."""
    with service.tenants.open(service.scope.organisation).catalog.engine.begin() as connection:
        connection.execute(uploads.update().values(attempts=0))


def read(service: Service) -> None:
    """What a worker does with what waits; its queue knows of a job until it is done."""
    work = DocumentWork(service.tenants)
    for key in work.waiting():
        asyncio.run(work.do(key))


def delete(service: Service) -> None:
    """Delete the document, as a member does; that it is gone already is as good."""
    platform = service.tenants.open(service.scope.organisation)
    access = Access(service.scope, platform, "user:somebody", "127.0.0.1")
    usage = Usage(service.tenants.engine, load_plans())
    workspace = Workspace(access, open_rooms(platform), usage, service.intake, service.tenants)
    with suppress(NotFound):
        asyncio.run(workspace.remove(document_id(NAME)))


def state(service: Service) -> dict[str, object]:
    """The document, its passages, and what was counted for it."""
    library, usage = service.library, Usage(service.tenants.engine, load_plans())
    used = {kind.value: each.used for kind, each in usage.standing(service.scope).items()}
    return {
        "documents": [[record.name, record.status.value] for record in library.catalog.documents()],
        "passages": [chunk.text for chunk in service.tenants.open(service.scope.organisation).index.passages(NAME)],
        "used": {kind: used[kind] for kind in ("documents", "storage_bytes")},
    }


def found_another(service: Service) -> None:
    """An organisation with something of everything, to be deleted; the one before is looked at."""
    if (service.folder / "victim").exists():
        look_at_deleted(service)
    victim = found(service.tenants)
    fill(service.tenants, victim)
    (service.folder / "victim").write_text(victim)


def delete_organisation(service: Service) -> None:
    """Delete it."""
    service.tenants.delete((service.folder / "victim").read_text())


def look_at_deleted(service: Service) -> None:
    """Once the service has started again the organisation is whole, or nothing of it is left."""
    victim, tenants = (service.folder / "victim").read_text(), service.tenants
    whole = tenants.exists(victim)
    if whole:
        assert set(counts(tenants.open(victim).catalog.engine, SHARED).values()) == {1}
        assert all(rows_of(tenants.engine, table, victim) == 1 for table in OWN)
        tenants.delete(victim)
    assert traces(tenants.engine, victim) == []
    assert not list(service.folder.rglob(f"*{victim}*"))
    with (service.folder / "fates").open("a") as fates:
        fates.write("whole\n" if whole else "gone\n")


def rows_of(engine: sa.Engine, table: sa.Table, organisation: str) -> int:
    """How many rows of one of the product's own tables are the organisation's."""
    (owner,) = (key.parent for key in table.foreign_keys if key.column is tenant_table.c.id)
    query = sa.select(sa.func.count()).select_from(table).where(owner == organisation)
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
