"""The journal of a run at work: a finished operation is read back, a new one is done once and written down."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from anyio import to_thread

from app.runs.artefacts import read_files
from app.runs.entries import Entry, Taken
from app.runs.records import Decision, PlanStep
from app.runs.store import RunStore, decision_key


class Cancelled(Exception):
    """Somebody wants the run to end."""


class Journal:
    """What was done for one run. `plan` is what readers see; it is stored with every operation."""

    def __init__(self, store: RunStore, taken: Taken, folder: Path) -> None:
        self.run = taken.run
        self.folder = folder
        self.plan: tuple[PlanStep, ...] = taken.run.plan
        self._store = store
        self._known: dict[str, Entry] = dict(taken.entries)
        self._before = taken.worked_seconds
        self._started = time.monotonic()

    @property
    def worked_seconds(self) -> float:
        """Work on this run so far, in this process and in earlier ones."""
        return self._before + time.monotonic() - self._started

    def knows(self, key: str) -> bool:
        """Whether the operation called `key` was finished before."""
        return key in self._known

    def decision(self, key: str) -> Decision | None:
        """What a person decided about the call named `key`, if anybody has."""
        entry = self._known.get(decision_key(key))
        return entry.decision if entry else None

    async def once(self, key: str, work: Callable[[], Awaitable[Entry]]) -> Entry:
        """What `work` gave when it was done under this name, or what it gives now.

        The name must be the same whenever the run is worked on again. An operation that a crash interrupts is done
        again, so what acts outside must know by the call's name that it has acted.

        Raises:
            Cancelled: the run is to end; what `work` gave is written down before.
        """
        if entry := self._known.get(key):
            return entry
        entry = await work()
        cancelling = await to_thread.run_sync(self._write, key, entry)
        self._known[key] = entry
        if cancelling:
            raise Cancelled
        return entry

    def _write(self, key: str, entry: Entry) -> bool:
        made = read_files(self.folder, entry.result.artefacts if entry.result else ())
        return self._store.append(self.run.id, key, entry, made, self.plan, self.worked_seconds)

    async def show(self, plan: Sequence[PlanStep], *, before: str) -> None:
        """Let readers see the plan as it is now, unless the operation called `before` shows that they have."""
        self.plan = tuple(plan)
        if not self.knows(before):
            await to_thread.run_sync(self._store.show_plan, self.run.id, self.plan)


def by_number(plan: Sequence[PlanStep]) -> Mapping[int, PlanStep]:
    """The steps of a plan by their numbers."""
    return {step.number: step for step in plan}
