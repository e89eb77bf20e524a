"""Many runs at once, on one worker and on two: none is lost and no step is done twice."""

import asyncio
from collections import Counter
from pathlib import Path

from app.bootstrap import Platform
from app.jobs.queue import JobQueue
from app.runs.records import RunState
from app.runs.routes import RUNS_AT_ONCE
from tests.integration.scripted import OWNER, Script, Tools, call, executor_for, planned

MANY = 50
MOVES = {"plan": [planned("First")], "First": [call("look", word="a"), call("look", word="b"), "Done."]}
STEPS = ["plan", "tool", "tool", "note"]


def test_fifty_runs_at_once_are_each_done_once(platform: Platform, tmp_path: Path) -> None:
    tools = Tools()
    executor = executor_for(platform, Script(MOVES).reply, tmp_path / "runs", tools.box())
    store = executor.store
    made = [executor.create(OWNER, f"Goal {number}").id for number in range(MANY)]

    async def serve() -> None:
        async with JobQueue(platform.settings.store.url, executor.work, store.waiting, RUNS_AT_ONCE) as jobs:
            jobs.put(made[0])  # put twice, which must not mean worked on twice
            while store.waiting():
                await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(serve(), 120))
    runs = [store.get(run, OWNER) for run in made]
    assert Counter(run.state for run in runs) == {RunState.SUCCEEDED: MANY}
    assert all([step.kind for step in run.steps] == STEPS for run in runs)
    assert len(tools.calls) == 2 * MANY
