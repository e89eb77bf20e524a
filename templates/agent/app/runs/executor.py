"""Works on runs: takes one up, pursues its goal through its journal, and stores how that ended."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import structlog
from anyio import to_thread
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from app.agents.desk import Desk, Shorten
from app.agents.endings import Failed, NeedsApproval, Stopped
from app.agents.limits import Limits
from app.agents.patterns import pursue
from app.agents.team import PROMPTS
from app.bootstrap import Platform
from app.errors import BudgetExceeded, InvalidInput, ModelUnavailable, TooManyTokens
from app.observability.telemetry import trace_id
from app.product_settings import PatternName
from app.runs.artefacts import restore
from app.runs.entries import Ending, Entry, Taken
from app.runs.journal import Cancelled, Journal
from app.runs.records import Run, RunState
from app.runs.store import RunStore
from app.tools.toolbox import Toolbox

MAX_ATTEMPTS = 5  # in a row, none of which got any further
WATCH_SECONDS = 0.5  # how soon another process's wish to cancel is seen
LONGEST_GOAL = 4_000  # characters
NO_TRACE = "0" * 32

log = structlog.get_logger()
Recall = Callable[[str, str], Awaitable[Sequence[str]]]  # owner and goal to what is remembered


class Executor:
    """Makes runs and works on them; the queue calls `work` for each, again after a crash."""

    def __init__(self, platform: Platform, toolbox: Toolbox, recall: Recall, shorten: Shorten) -> None:
        self.store = RunStore(platform.catalog.engine)
        self._platform = platform
        self._settings = platform.settings.agent
        self._toolbox = toolbox
        self._recall = recall
        self._shorten = shorten
        self._tracer = platform.telemetry.tracers.get_tracer("app.runs")
        meter = platform.telemetry.meters.get_meter("app.runs")
        self._ended = meter.create_counter("agent.runs", description="Runs by how the work on them ended")

    def create(self, owner: str, goal: str, pattern: PatternName | None = None) -> Run:
        """A new run for `goal`, which still has to be put into the queue.

        Raises:
            InvalidInput: the goal is empty or too long.
        """
        goal = goal.strip()
        if not goal or len(goal) > LONGEST_GOAL:
            raise InvalidInput(f"The goal has {len(goal)} characters.", f"Write 1 to {LONGEST_GOAL}.")
        prompts = self._platform.prompts
        labels = ", ".join(prompts.choose(name, owner).label for name in PROMPTS.values())
        trace = trace_id()
        return self.store.create(
            owner,
            goal,
            pattern or self._settings.pattern,
            model=self._platform.model.model_name,
            prompts=labels,
            trace_id=trace if trace != NO_TRACE else f"{RandomIdGenerator().generate_trace_id():032x}",
        )

    async def work(self, identifier: str) -> None:
        """Go on with a run until it ends or waits for a person; nothing where another state does not need it.

        Raises:
            Exception: something failed that should not; the queue tries again, and the last attempt ends the run.
        """
        taken = await to_thread.run_sync(self.store.take, identifier)
        if taken is None:
            return
        journal = Journal(self.store, taken, self.folder(identifier))
        ending = self._foregone(taken)
        with self._span(taken.run):
            if ending is None:
                ending = await self._pursue(taken, journal)
        await to_thread.run_sync(self.store.end, identifier, ending, journal.plan, journal.worked_seconds)
        self._ended.add(1, {"outcome": ending.state.value, "pattern": taken.run.pattern})
        log.info("run", run=identifier, outcome=ending.state.value, reason=ending.reason)

    def folder(self, identifier: str) -> Path:
        """Where the run's tools write their files."""
        return self._settings.folder / identifier

    def _foregone(self, taken: Taken) -> Ending | None:
        """How a run ends that is not worth another attempt."""
        if taken.cancelling:
            return Ending(RunState.CANCELLED)
        if taken.attempts > MAX_ATTEMPTS:
            return Ending(RunState.FAILED, f"The service failed {MAX_ATTEMPTS} times at one step; its log says why.")
        return None

    async def _pursue(self, taken: Taken, journal: Journal) -> Ending:
        """How the work ends. Somebody's wish to cancel interrupts whatever is being done."""
        limits = Limits(self._settings, taken.resumed)
        work = asyncio.create_task(self._attempt(journal, limits))
        watch = asyncio.create_task(self._watch(taken.run.id, work))
        try:
            return await work
        except asyncio.CancelledError:
            if watch.done() and not watch.cancelled():
                return Ending(RunState.CANCELLED)
            raise
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _attempt(self, journal: Journal, limits: Limits) -> Ending:
        deadline = asyncio.timeout(limits.seconds - journal.worked_seconds)
        try:
            async with deadline:
                return Ending(RunState.SUCCEEDED, answer=await pursue(await self._desk(journal, limits)))
        except NeedsApproval as ending:
            return Ending(RunState.WAITING, approval=ending.approval)
        except Cancelled:
            return Ending(RunState.CANCELLED)
        except (Stopped, BudgetExceeded, TooManyTokens) as ending:
            return Ending(RunState.STOPPED, str(ending))
        except (Failed, ModelUnavailable) as ending:
            return Ending(RunState.FAILED, str(ending))
        except TimeoutError:
            if not deadline.expired():
                raise
            return Ending(RunState.STOPPED, f"It used up its {limits.seconds:g} seconds (APP_AGENT__DEADLINE_SECONDS).")

    async def _desk(self, journal: Journal, limits: Limits) -> Desk:
        """What the agents share, with what is remembered for the goal and the files that were made before."""
        run = journal.run
        made = await to_thread.run_sync(self.store.files, run.id)
        await to_thread.run_sync(restore, journal.folder, made)

        async def recall() -> Entry:
            return Entry(words=tuple(await self._recall(run.owner, run.goal)))

        memories = (await journal.once("memories", recall)).words
        return Desk(self._platform, self._toolbox, journal, limits, self._shorten, memories)

    async def _watch(self, identifier: str, work: asyncio.Task[Ending]) -> None:
        """Interrupt the work when somebody wants the run to end."""
        while not await to_thread.run_sync(self.store.cancelling, identifier):
            await asyncio.sleep(WATCH_SECONDS)
        work.cancel()

    @contextlib.contextmanager
    def _span(self, run: Run) -> Iterator[None]:
        """Go on with the trace that began when the run was asked for, whichever process works on it."""
        asked = SpanContext(int(run.trace_id, 16), int(run.id, 16), True, TraceFlags(TraceFlags.SAMPLED))
        context = set_span_in_context(NonRecordingSpan(asked))
        with self._tracer.start_as_current_span("run", context=context):
            yield
