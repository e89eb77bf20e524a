"""Scores answers after they went out: a bounded number at a time, in the background, whatever a scorer does."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import structlog
from anyio import CapacityLimiter, to_thread

from app.bootstrap import Platform
from app.evals.answers import Answered
from app.llm.factory import NONE
from app.settings import Settings

MOST_WAITING = 200  # answers that wait for their scores; more are dropped and counted
PRIMARY = "primary"
SUPPORT = "faithfulness_"  # metrics of this family are in the histogram `answer.support`

log = structlog.get_logger()

Score = Callable[[], Mapping[str, float]]
Judge = Callable[[Answered, object], Awaitable[float]]


class Watcher:
    """Keeps what is known of each answer and scores a share of them; an answer never waits for it.

    `judge` gives the score called `judged`; it is asked for a share of its own.
    """

    def __init__(self, platform: Platform, judged: str = "", judge: Judge | None = None) -> None:
        self._answers = platform.answers
        self._catalog = platform.catalog
        self._telemetry = platform.telemetry
        self._settings = platform.settings.quality
        self._judged, self._judge = judged, judge
        self._one = CapacityLimiter(1)  # threads: scoring never takes more than one from the answers
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, answered: Answered, score: Score, shown: object = None) -> None:
        """Take an answer that has gone out; `score` runs in a thread, `shown` is what a judge may read, if anything.

        Never raises and never waits. Call it in an event loop.
        """
        if len(self._tasks) >= MOST_WAITING:
            self._telemetry.scorings.add(1, {"outcome": "dropped"})
            return
        task = asyncio.get_running_loop().create_task(self._watch(answered, score, shown))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until everything that was taken is scored."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self, seconds: float) -> None:
        """Finish what can be finished in this time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.settled(), seconds)

    async def _watch(self, answered: Answered, score: Score, shown: object) -> None:
        try:
            keep = partial(self._keep, answered, score)
            identifier = await to_thread.run_sync(keep, limiter=self._one)
            if self._judge and shown is not None and random.random() < self._settings.judge_share:  # noqa: S311
                judged = await self._judge(answered, shown)
                self._measure(answered, self._judged, judged)
                add = partial(self._answers.add_score, identifier, self._judged, judged)
                await to_thread.run_sync(add, limiter=self._one)
        except Exception as error:  # noqa: BLE001 - the service goes on, whatever a scorer raises
            log.warning("an answer was not scored", trace_id=answered.trace_id, error=repr(error))
            self._telemetry.scorings.add(1, {"outcome": "failed"})
        else:
            self._telemetry.scorings.add(1, {"outcome": "scored"})

    def _keep(self, answered: Answered, score: Score) -> int:
        """Score and store the answer; it is stored even where its scorer fails."""
        found: Mapping[str, float] = {}
        try:
            if random.random() < self._settings.share:  # noqa: S311 - a sample, no secret
                found = score()
        finally:
            identifier = self._answers.add(answered, self._catalog.version(), found)
        for metric, value in found.items():
            self._measure(answered, metric, value)
        return identifier

    def _measure(self, answered: Answered, metric: str, value: float) -> None:
        if metric.startswith(SUPPORT):
            labels = {"prompt": answered.prompt, "scorer": metric.removeprefix(SUPPORT)}
            self._telemetry.support.record(value, labels)


def names_a_judge(settings: Settings) -> bool:
    """Whether `APP_LLM__JUDGE` names a model; `primary` judges in evaluations alone, so use costs nothing unasked."""
    return settings.llm.judge not in (NONE, PRIMARY)
