"""Where runs are kept: one row for each run, and its journal with everything that was done for it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection, Engine

from app.errors import AppError, InvalidInput, NotFound
from app.runs.entries import Ending, Entry, File, Taken
from app.runs.records import Approval, Artefact, Decision, PlanStep, Run, RunState, Step
from app.runs.tables import files, journal, runs
from app.stores.database import create_missing_tables

NANO = 1_000_000_000


class NotPossible(AppError):
    """The run is in a state that does not allow this."""

    status = 409
    title = "Conflict"


_ENTRY = TypeAdapter(Entry)
_STEP = TypeAdapter(Step)
_PLAN = TypeAdapter(tuple[PlanStep, ...])
_APPROVAL = TypeAdapter(Approval)
UNFINISHED = (RunState.QUEUED, RunState.RUNNING)
EVERYONE = None  # in the place of an owner: whoever administers the service sees and decides every run


class RunStore:
    """All runs of one database. For an owner, what belongs to another one does not exist; for `EVERYONE` it does."""

    def __init__(self, engine: Engine) -> None:
        create_missing_tables(engine)
        self._engine = engine

    def create(self, owner: str, goal: str, pattern: str, *, model: str, prompts: str, trace_id: str) -> Run:
        """Store a new run, which waits for a worker."""
        now, identifier = datetime.now(UTC), secrets.token_hex(8)
        values = {"id": identifier, "owner": owner, "goal": goal, "pattern": pattern, "state": RunState.QUEUED.value}
        values |= {"model": model, "prompt_version": prompts, "trace_id": trace_id}
        with self._engine.begin() as connection:
            connection.execute(runs.insert().values(**values, created_at=now, updated_at=now))
        return self.get(identifier, owner)

    def get(self, identifier: str, owner: str | None) -> Run:
        """The run with its steps and artefacts.

        Raises:
            NotFound: the owner has no such run.
        """
        with self._engine.connect() as connection:
            row = self._row(connection, identifier, owner)
            return _run(row, _steps(connection, identifier), _artefacts(connection, identifier))

    def recent(self, owner: str | None, limit: int, before: str | None = None) -> list[Run]:
        """The owner's runs, newest first and without their steps; `before` is the last id of the page before.

        Raises:
            InvalidInput: `before` is no run of the owner.
        """
        query = runs.select().where(_of(owner)).order_by(runs.c.created_at.desc(), runs.c.id.desc())
        with self._engine.connect() as connection:
            if before:
                row = self._last_of_page(connection, before, owner)
                query = query.where(sa.tuple_(runs.c.created_at, runs.c.id) < (row["created_at"], row["id"]))
            return [_run(row, (), ()) for row in connection.execute(query.limit(limit)).mappings()]

    def _last_of_page(self, connection: Connection, identifier: str, owner: str | None) -> Mapping[Any, Any]:
        try:
            return self._row(connection, identifier, owner)
        except NotFound as error:
            raise InvalidInput(error.message, "`before` is the last id of the page before.") from None

    def changes(self, identifier: str, owner: str | None) -> int:
        """A number that grows whenever the run changes.

        Raises:
            NotFound: the owner has no such run.
        """
        with self._engine.connect() as connection:
            return int(self._row(connection, identifier, owner)["changes"])

    def file(self, identifier: str, owner: str | None, name: str) -> File:
        """A file that the run made.

        Raises:
            NotFound: the owner has no such run, or it made no such file.
        """
        query = files.select().where(files.c.run == identifier, files.c.name == name)
        with self._engine.connect() as connection:
            self._row(connection, identifier, owner)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"The run made no file {name[:100]!r}.", "Its `artefacts` lists them.")
        return File(row["name"], row["media_type"], row["data"])

    def files(self, identifier: str) -> list[File]:
        """Every file of a run."""
        with self._engine.connect() as connection:
            rows = connection.execute(files.select().where(files.c.run == identifier)).mappings()
            return [File(row["name"], row["media_type"], row["data"]) for row in rows]

    def waiting(self) -> list[str]:
        """The ids of all runs that a worker should take up, oldest first."""
        query = sa.select(runs.c.id).where(runs.c.state.in_(UNFINISHED)).order_by(runs.c.created_at)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def take(self, identifier: str) -> Taken | None:
        """Call a run running and return it with its journal; None where there is nothing to do."""
        taken = runs.update().where(runs.c.id == identifier, runs.c.state.in_(UNFINISHED))
        with self._engine.begin() as connection:
            values = {"state": RunState.RUNNING.value, "attempts": runs.c.attempts + 1}
            row = connection.execute(taken.values(**values, **_changed()).returning(*runs.c)).mappings().first()
            if row is None:
                return None
            entries = connection.execute(sa.select(journal.c.key, journal.c.entry).where(journal.c.run == identifier))
            known = {key: _ENTRY.validate_json(entry) for key, entry in entries}
            run = _run(row, (), ())
        return Taken(
            run, known, row["worked_seconds"], attempts=row["attempts"], resumed=row["resumed"],
            cancelling=row["cancelling"],
        )  # fmt: skip

    def cancelling(self, identifier: str) -> bool:
        """Whether somebody wants the running run to end."""
        with self._engine.connect() as connection:
            query = sa.select(runs.c.cancelling).where(runs.c.id == identifier)
            return bool(connection.execute(query).scalar())

    def append(
        self, identifier: str, key: str, entry: Entry, made: Sequence[File], plan: Sequence[PlanStep], worked: float
    ) -> bool:
        """Write down one finished operation, all of it or nothing; True when the run is to be cancelled.

        Raises:
            IntegrityError: another worker did the same operation.
        """
        step = _STEP.dump_json(entry.step).decode() if entry.step else None
        spent = {
            "input_tokens": runs.c.input_tokens + entry.usage.input_tokens,
            "output_tokens": runs.c.output_tokens + entry.usage.output_tokens,
            "nano_usd": runs.c.nano_usd + round(entry.usage.cost_usd * NANO),
        }
        update = runs.update().where(runs.c.id == identifier).values(
            **spent, **_changed(), plan=_plan(plan), worked_seconds=worked, attempts=0
        )  # fmt: skip
        with self._engine.begin() as connection:
            number, cancelling = connection.execute(update.returning(runs.c.changes, runs.c.cancelling)).one()
            row = {"run": identifier, "key": key, "number": number, "entry": _ENTRY.dump_json(entry).decode()}
            connection.execute(journal.insert().values(**row, step=step))
            for file in made:
                connection.execute(files.delete().where(files.c.run == identifier, files.c.name == file.name))
                connection.execute(files.insert().values(run=identifier, bytes=len(file.data), **vars(file)))
        return bool(cancelling)

    def show_plan(self, identifier: str, plan: Sequence[PlanStep]) -> None:
        """Let readers see how far the plan is."""
        with self._engine.begin() as connection:
            connection.execute(runs.update().where(runs.c.id == identifier).values(plan=_plan(plan), **_changed()))

    def end(self, identifier: str, ending: Ending, plan: Sequence[PlanStep], worked: float) -> None:
        """Store how the work ended. Who wants to wait for a person but is to be cancelled, is cancelled."""
        approval = ending.approval
        values = {"state": ending.state.value, "reason": ending.reason, "answer": ending.answer}
        values |= {"approval": _APPROVAL.dump_json(approval).decode() if approval else None}
        values |= {"approval_id": approval.id if approval else None, "plan": _plan(plan)}
        mine = runs.update().where(runs.c.id == identifier, runs.c.state == RunState.RUNNING.value)
        with self._engine.begin() as connection:
            wanted = mine.where(~runs.c.cancelling) if ending.state is RunState.WAITING else mine
            done = connection.execute(wanted.values(**values, **_changed(), worked_seconds=worked, attempts=0))
            if done.rowcount == 0:
                connection.execute(mine.values(state=RunState.CANCELLED.value, plan=_plan(plan), **_changed()))

    def decide(self, identifier: str, owner: str | None, approval: str, decision: Decision) -> None:
        """Write down what a person decided; the run waits for a worker again.

        Raises:
            NotFound: the owner has no such run.
            NotPossible: the run does not wait for this approval.
        """
        waits = (runs.c.state == RunState.WAITING.value) & (runs.c.approval_id == approval)
        values = {"state": RunState.QUEUED.value, "approval": None, "approval_id": None}
        with self._engine.begin() as connection:
            row = self._row(connection, identifier, owner)
            update = runs.update().where(runs.c.id == identifier, waits).values(**values, **_changed())
            number = connection.execute(update.returning(runs.c.changes)).scalar()
            if number is None:
                raise NotPossible(
                    f"The run is {row['state']} and does not wait for the approval {approval[:100]!r}.",
                    "Look at it again to see what it waits for.",
                )
            entry = _ENTRY.dump_json(Entry(decision=decision)).decode()
            key = decision_key(approval)
            connection.execute(journal.insert().values(run=identifier, key=key, number=number, entry=entry))

    def cancel(self, identifier: str, owner: str | None) -> None:
        """End a run that nobody works on; ask the worker of a running one to end it.

        Raises:
            NotFound: the owner has no such run.
            NotPossible: it has ended already.
        """
        mine = runs.update().where(runs.c.id == identifier)
        idle = mine.where(runs.c.state.in_((RunState.QUEUED, RunState.WAITING)))
        ended = {"state": RunState.CANCELLED.value, "approval": None, "approval_id": None}
        with self._engine.begin() as connection:
            self._row(connection, identifier, owner)
            if connection.execute(idle.values(**ended, **_changed())).rowcount:
                return
            running = mine.where(runs.c.state == RunState.RUNNING.value).values(cancelling=True, **_changed())
            if connection.execute(running).rowcount == 0:
                raise NotPossible("The run has ended already.", "Look at it to see how.")

    def resume(self, identifier: str, owner: str | None) -> None:
        """Queue a failed or stopped run once more; its limits count anew.

        Raises:
            NotFound: the owner has no such run.
            NotPossible: it has not failed nor stopped.
        """
        ended = runs.c.state.in_((RunState.FAILED, RunState.STOPPED))
        values = {"state": RunState.QUEUED.value, "reason": "", "resumed": runs.c.resumed + 1}
        values |= {"attempts": 0, "cancelling": False}
        with self._engine.begin() as connection:
            row = self._row(connection, identifier, owner)
            update = runs.update().where(runs.c.id == identifier, ended).values(**values, **_changed())
            if connection.execute(update).rowcount == 0:
                raise NotPossible(f"The run is {row['state']}.", "Only a failed or stopped run can be resumed.")

    def _row(self, connection: Connection, identifier: str, owner: str | None) -> Mapping[Any, Any]:
        query = runs.select().where(runs.c.id == identifier, _of(owner))
        row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"There is no run {identifier[:100]!r}.", "`app runs` and GET /v1/runs list what there is.")
        return row


def _of(owner: str | None) -> sa.ColumnElement[bool]:
    return sa.true() if owner is EVERYONE else runs.c.owner == owner


def decision_key(approval: str) -> str:
    """Where the journal holds the decision on a call."""
    return f"{approval}.decision"


def _changed() -> dict[str, Any]:
    return {"changes": runs.c.changes + 1, "updated_at": datetime.now(UTC)}


def _plan(plan: Sequence[PlanStep]) -> str:
    return _PLAN.dump_json(tuple(plan)).decode()


def _steps(connection: Connection, identifier: str) -> tuple[Step, ...]:
    query = sa.select(journal.c.step).where(journal.c.run == identifier, journal.c.step.is_not(None))
    rows = connection.execute(query.order_by(journal.c.number)).scalars()
    steps = (_STEP.validate_json(step) for step in rows)
    return tuple(replace(step, number=number) for number, step in enumerate(steps, start=1))


def _artefacts(connection: Connection, identifier: str) -> tuple[Artefact, ...]:
    query = sa.select(files.c.name, files.c.media_type, files.c.bytes).where(files.c.run == identifier)
    return tuple(Artefact(*row) for row in connection.execute(query.order_by(files.c.name)))


def _run(row: Mapping[Any, Any], steps: tuple[Step, ...], artefacts: tuple[Artefact, ...]) -> Run:
    return Run(
        id=row["id"],
        owner=row["owner"],
        goal=row["goal"],
        pattern=row["pattern"],
        state=RunState(row["state"]),
        reason=row["reason"],
        answer=row["answer"],
        plan=_PLAN.validate_json(row["plan"]),
        steps=steps,
        artefacts=artefacts,
        approval=_APPROVAL.validate_json(row["approval"]) if row["approval"] else None,
        model=row["model"],
        prompt_version=row["prompt_version"],
        trace_id=row["trace_id"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_usd=row["nano_usd"] / NANO,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        worked_seconds=row["worked_seconds"],
    )
