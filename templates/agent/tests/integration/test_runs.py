"""What becomes of a run: it reaches its goal, waits for a person, is cancelled, and never does a thing twice."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy.exc import IntegrityError

from app.bootstrap import Platform
from app.errors import NotFound
from app.runs.entries import Entry
from app.runs.gauges import open_runs
from app.runs.journal import Journal
from app.runs.records import Decision, PlanState, RunState
from app.runs.store import NotPossible
from tests.integration.scripted import OWNER, Bench, Move, call, planned

ONE = [planned("First")]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
Play = Callable[..., Bench]


@pytest.fixture
def play(platform: Platform, tmp_path: Path) -> Play:
    """Set up a script: the moves of each task, and limits."""
    return lambda moves, **limits: Bench(platform, tmp_path / "runs", moves, **limits)


def test_a_run_is_planned_done_and_shown_step_by_step(play: Play) -> None:
    bench = play({
        "plan": [planned("First", "Second", after={2: [1]})],
        "First": [call("look", word="a"), "A is seen."], "Second": [call("look", word="b"), "All is well."],
    })  # fmt: skip
    run = bench.work(bench.create())
    assert (run.state, run.answer, run.reason) == (RunState.SUCCEEDED, "All is well.", "")
    assert [(s.title, s.state, s.note) for s in run.plan] == [
        ("First", PlanState.DONE, "A is seen."), ("Second", PlanState.DONE, "All is well."),
    ]  # fmt: skip
    assert [(s.number, s.agent, s.kind, s.tool, s.result, s.plan_step) for s in run.steps] == [
        (1, "planner", "plan", "make_plan", "1. First (research)\n2. Second (research)", 0),
        (2, "worker", "tool", "look", "seen a", 1), (3, "worker", "note", "", "A is seen.", 1),
        (4, "worker", "tool", "look", "seen b", 2), (5, "worker", "note", "", "All is well.", 2),
    ]  # fmt: skip
    assert run.steps[1].thought == "I call look."
    assert run.input_tokens == sum(step.input_tokens for step in run.steps) > 0
    assert len(run.trace_id) == 32


def test_a_step_sees_the_results_that_it_needs_and_no_others(play: Play) -> None:
    moves = {"First": ["<one>"], "Second": ["two"], "Third": ["three"]}
    bench = play({"plan": [planned("First", "Second", "Third", after={3: [1]})], **moves})
    bench.work(bench.create())
    assert '<note step="1">&lt;one&gt;</note>' in bench.script.prompts[-1]
    assert "two" not in bench.script.prompts[-1]


@pytest.mark.parametrize(
    ("pattern", "agents"),
    [
        ("single", ["worker"] * 2), ("sequential", ["research"] * 2), ("parallel", ["research"] * 2),
        ("coordinator", ["coordinator", "research"] * 2),
    ],
)  # fmt: skip
def test_the_pattern_says_who_does_a_step(play: Play, pattern: str, agents: list[str]) -> None:
    delegated = {f"coordinator:{t}": [call("delegate", specialist="research", task=t), t] for t in ("A", "B")}
    bench = play({"plan": [planned("A", "B", after={2: [1]})], "A": ["a"], "B": ["b"], **delegated})
    run = bench.work(bench.create(pattern))
    assert run.state is RunState.SUCCEEDED
    assert list(dict.fromkeys(word.split(":")[0] for word in bench.script.asked[1:])) == list(dict.fromkeys(agents))


def test_parallel_steps_that_do_not_need_each_other_are_done_at_once(play: Play) -> None:
    moves = {title: [call("look", word="slow"), title] for title in "ABCD"}
    plan = planned(*"ABCD", after={4: [1, 2, 3]})
    at_once, in_turn = play({"plan": [plan], **moves}), play({"plan": [plan], **moves})
    assert at_once.work(at_once.create("parallel")).answer == "D"
    assert in_turn.work(in_turn.create("sequential")).answer == "D"
    assert (at_once.tools.most_at_once, in_turn.tools.most_at_once) == (3, 1)
    assert at_once.script.asked[-1] == "research:D:1"


def test_a_step_that_is_given_up_leads_to_another_plan(play: Play) -> None:
    bench = play({
        "plan": [planned("Done", "Broken", "Never", after={3: [2]}), planned("Other way")],
        "Done": ["it is done"], "Broken": [call("give_up", reason="no <way>")], "Other way": ["reached"],
    })  # fmt: skip
    run = bench.work(bench.create())
    assert (run.state, run.answer) == (RunState.SUCCEEDED, "reached")
    assert [s.state for s in run.plan] == [PlanState.DONE, PlanState.FAILED, PlanState.DROPPED, PlanState.DONE]
    planning = next(p for p in bench.script.prompts if "<failure>" in p)
    assert "no &lt;way&gt;" in planning
    assert "it is done" in planning
    assert "it is done" in bench.script.prompts[-1], "a new plan's steps know what the earlier plan found out"


def test_a_run_fails_when_no_plan_is_left_and_may_be_resumed_for_one_more(play: Play) -> None:
    plans = [planned("Broken"), planned("Broken"), planned("First")]
    bench = play({"plan": plans, "Broken": [call("give_up", reason="no way")], "First": ["reached"]}, replans=1)
    run = bench.create()
    failed = bench.work(run)
    assert (failed.state, failed.reason) == (RunState.FAILED, "Step 2, 'Broken', failed: no way")
    asked = len(bench.script.asked)
    bench.store.resume(run, OWNER)
    assert bench.work(run).answer == "reached"
    assert len(bench.script.asked) == asked + 2, "resuming asks only what was not asked before"


def test_a_refused_call_is_not_made_and_the_agent_is_told_why(play: Play) -> None:
    bench = play({"plan": ONE, "First": [call("act", word="x"), "I left it."]})
    run = bench.create()
    waiting = bench.work(run)
    assert waiting.state is RunState.WAITING
    assert waiting.approval
    assert (waiting.approval.tool, waiting.approval.arguments) == ("act", {"word": "x"})
    assert waiting.plan[0].state is PlanState.DOING
    assert bench.work(run).state is RunState.WAITING, "a worker cannot go on alone"
    bench.decide(run, granted=False, comment="Not today.")
    done = bench.work(run)
    assert (done.state, done.answer, bench.tools.calls) == (RunState.SUCCEEDED, "I left it.", [])
    assert not done.steps[1].ok
    assert "Not today." in done.steps[1].result


def test_a_granted_call_is_made_once_and_asked_for_once(play: Play) -> None:
    bench = play({"plan": ONE, "First": [call("act", word="x"), "Done."]})
    run = bench.create()
    bench.work(run)
    bench.decide(run, granted=True)
    assert bench.work(run).answer == "Done."
    assert bench.tools.calls == ["act x s1.1.1"]
    assert bench.script.asked == ["planner:plan:0", "worker:First:0", "worker:First:1"]


@pytest.mark.parametrize(("level", "waits"), [("read", "look"), ("act", "act"), ("never", "")])
def test_the_setting_says_from_which_permission_a_person_is_asked(play: Play, level: str, waits: str) -> None:
    bench = play({"plan": ONE, "First": [call("look"), call("act"), "Done."]}, approval_from=level)
    run = bench.work(bench.create())
    assert (run.approval.tool if run.approval else "") == waits


def test_parallel_steps_wait_for_one_person_one_after_the_other(play: Play) -> None:
    moves: dict[str, list[Move]] = {title: [call("act", word=title), title] for title in "AB"}
    bench = play({"plan": [planned("A", "B", "C")], **moves, "C": [call("look"), "C"]})
    run = bench.create("parallel")
    asked = []
    while approval := (waiting := bench.work(run)).approval:
        asked.append(approval.arguments["word"])
        bench.decide(run, granted=True)
    assert asked == ["A", "B"]
    assert waiting.state is RunState.SUCCEEDED
    assert sorted(bench.tools.calls) == ["act A s1.1.1", "act B s2.1.1", "look  s3.1.1"]


def test_only_the_approval_that_is_waited_for_can_be_decided_and_only_once(play: Play) -> None:
    bench = play({"plan": ONE, "First": [call("act"), "Done."]})
    run = bench.create()
    yes = Decision(granted=True, comment="", by=OWNER, at=NOW)
    with pytest.raises(NotPossible, match="queued"):
        bench.store.decide(run, OWNER, "s1.1.1", yes)
    bench.work(run)
    with pytest.raises(NotPossible):
        bench.store.decide(run, OWNER, "s9.1.1", yes)
    with pytest.raises(NotFound):
        bench.store.decide(run, "somebody", "s1.1.1", yes)
    bench.store.decide(run, OWNER, "s1.1.1", yes)
    with pytest.raises(NotPossible):
        bench.store.decide(run, OWNER, "s1.1.1", yes)
    bench.work(run)
    with pytest.raises(NotPossible, match="succeeded"):
        bench.store.decide(run, OWNER, "s1.1.1", yes)
    assert len(bench.tools.calls) == 1


def test_a_run_at_work_is_cancelled_within_a_second(play: Play) -> None:
    bench = play({"plan": ONE, "First": ["x"]})
    run = bench.create()

    async def cancel_amid_thought() -> float:
        thinking = asyncio.Event()

        async def think(word: str) -> None:
            thinking.set()
            await asyncio.sleep(60)

        bench.script.before = think
        work = asyncio.create_task(bench.executor.work(run))
        await thinking.wait()
        bench.store.cancel(run, OWNER)
        started = time.monotonic()
        await work
        return time.monotonic() - started

    assert asyncio.run(cancel_amid_thought()) < 1
    assert bench.store.get(run, OWNER).state is RunState.CANCELLED
    with pytest.raises(NotPossible, match="ended already"):
        bench.store.cancel(run, OWNER)


def test_a_waiting_or_queued_run_is_cancelled_at_once_and_stays_so(play: Play) -> None:
    bench = play({"plan": ONE, "First": [call("act"), "x"]})
    waiting, queued = bench.create(), bench.create()
    bench.work(waiting)
    for run in (waiting, queued):
        bench.store.cancel(run, OWNER)
        assert bench.work(run).state is RunState.CANCELLED
    assert bench.tools.calls == []


def test_a_cancelled_worker_leaves_the_run_to_another_one(play: Play) -> None:
    bench = play({"plan": ONE, "First": ["Done."]})
    run = bench.create()

    async def stop_amid_thought() -> None:
        async def think(word: str) -> None:
            await asyncio.sleep(60)

        bench.script.before = think
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bench.executor.work(run), 0.1)

    asyncio.run(stop_amid_thought())
    assert bench.store.get(run, OWNER).state is RunState.RUNNING
    assert bench.store.waiting() == [run]
    bench.script.before = None
    assert bench.work(run).answer == "Done."


def test_what_a_run_made_is_kept_in_the_database_and_restored_for_another_machine(play: Play) -> None:
    bench = play({"plan": ONE, "First": [call("look", word="file"), call("act"), "Made."]})
    run = bench.create()
    bench.work(run)
    made = bench.executor.folder(run) / "made.csv"
    made.unlink()
    bench.decide(run, granted=True)
    assert [(a.name, a.media_type, a.bytes) for a in bench.work(run).artefacts] == [("made.csv", "text/csv", 8)]
    assert made.read_text() == bench.store.file(run, OWNER, "made.csv").data.decode() == "a,b\n1,2\n"


def test_all_work_on_a_run_is_one_trace_whichever_process_does_it(play: Play, platform: Platform) -> None:
    spans = InMemorySpanExporter()
    platform.telemetry.tracers.add_span_processor(SimpleSpanProcessor(spans))
    bench = play({"plan": ONE, "First": [call("act"), "Done."]})
    run = bench.create()
    bench.work(run)
    bench.decide(run, granted=True)
    trace = bench.work(run).trace_id
    names = [span.name for span in spans.get_finished_spans()]
    assert names.count("run") == 2
    assert names.count("chat script") == 3
    assert {f"{span.context.trace_id:032x}" for span in spans.get_finished_spans() if span.context} == {trace}


def test_one_operation_is_never_written_down_twice(play: Play) -> None:
    bench = play({"plan": ONE, "First": ["x"]})
    run = bench.create()
    taken = bench.store.take(run)
    assert taken

    async def once() -> None:
        for _ in range(2):  # two workers who do not know of each other

            async def work() -> Entry:
                return Entry(words=("a",))

            await Journal(bench.store, taken, Path()).once("s1.1", work)

    with pytest.raises(IntegrityError):
        asyncio.run(once())


def test_open_runs_are_counted_by_state_with_the_time_since_anything_happened(play: Play, platform: Platform) -> None:
    bench = play({"plan": ONE, "First": [call("act"), "Done."]})
    bench.work(bench.create())
    bench.create()
    time.sleep(0.2)
    found = open_runs(platform.catalog.engine)
    assert {state: number for state, (number, _) in found.items()} == {"queued": 1, "running": 0, "waiting": 1}
    assert 0.2 <= found[RunState.QUEUED][1] <= found[RunState.WAITING][1] < 60
    assert found[RunState.RUNNING][1] == 0
