"""Known answers for the scores of a run, the zero cases among them."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.evaluation.objectives import Attempt, Expected, Objective, ToolBehaviour, score
from app.runs.records import Artefact, Run, RunState, Step

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def step(tool: str, ok: bool = True, **arguments: str) -> Step:
    return Step(
        number=1,
        agent="worker",
        kind="tool",
        thought="",
        tool=tool,
        arguments=dict(arguments),
        result="",
        ok=ok,
        artefacts=(),
        started_at=NOW,
        seconds=0.1,
        input_tokens=1,
        output_tokens=1,
        cost_usd=0.0,
    )


def attempt(
    *steps: Step,
    answer: str = "",
    state: RunState = RunState.SUCCEEDED,
    files: tuple[str, ...] = (),
    memories: tuple[str, ...] = (),
    sales: Path = Path("none.db"),
) -> Attempt:
    run = Run(
        id="0" * 16,
        owner="eval",
        goal="goal",
        pattern="single",
        state=state,
        reason="",
        answer=answer,
        plan=(),
        steps=steps,
        artefacts=tuple(Artefact(name, "text/plain", 1) for name in files),
        approval=None,
        model="test",
        prompt_version="",
        trace_id="",
        input_tokens=0,
        output_tokens=0,
        cost_usd=0.0,
        created_at=NOW,
        updated_at=NOW,
    )
    return Attempt(run, "", memories, 0.1, sales)


GOAL = Objective(goal="goal")


def test_a_perfect_run_scores_one_everywhere() -> None:
    expected = Expected(
        contains=["36 months"],
        files=[".svg"],
        calls=["query_sales", "make_chart"],
        arguments={"make_chart": ["pie"]},
        forbidden=["send_email"],
        kept=["pie"],
    )
    run = attempt(
        step("query_sales"),
        step("make_chart", kind="Pie"),
        answer="It is 36 months.",
        files=("chart-1.svg",),
        memories=("I prefer PIE charts.",),
    )
    objective = Objective(goal="goal", tools={"query_sales": ToolBehaviour(fails=1)})
    scores = score(objective, expected, run)
    assert set(scores.values()) == {1.0}
    assert len(scores) == 8


def test_a_score_that_does_not_apply_is_left_out() -> None:
    assert set(score(GOAL, Expected(), attempt())) == {"task_success", "facts", "tools", "trajectory", "economy"}


def test_nothing_done_where_nothing_was_to_be_done_is_perfect() -> None:
    assert set(score(GOAL, Expected(forbidden=["send_email"]), attempt()).values()) == {1.0}


@pytest.mark.parametrize(
    ("expected", "run"),
    [
        (Expected(), attempt(state=RunState.FAILED)),
        (Expected(contains=["six"]), attempt(answer="sixteen")),
        (Expected(files=[".svg", ".svg"]), attempt(files=("a.svg",))),
        (Expected(kept=["pie"]), attempt(memories=("bar",))),
        (Expected(forbidden=["send_email"]), attempt(step("send_email"))),
    ],
    ids=["state", "fact", "second file", "memory", "forbidden"],
)
def test_one_missing_thing_is_no_success(expected: Expected, run: Attempt) -> None:
    assert score(GOAL, expected, run)["task_success"] == 0


def test_a_refused_call_did_nothing() -> None:
    scores = score(GOAL, Expected(forbidden=["send_email"]), attempt(step("send_email", ok=False)))
    assert scores["obedience"] == 1


def test_a_call_too_many_and_a_wrong_order_cost() -> None:
    expected = Expected(calls=["query_sales", "make_chart"])
    many = score(GOAL, expected, attempt(step("query_sales"), step("query_sales"), step("make_chart")))
    assert (many["tools"], many["trajectory"], many["economy"]) == (1, 2 / 3, 2 / 3)
    turned = score(GOAL, expected, attempt(step("make_chart"), step("query_sales")))
    assert (turned["tools"], turned["trajectory"], turned["economy"]) == (1, 0.5, 1)
    other = score(GOAL, expected, attempt(step("recall")))
    assert (other["tools"], other["trajectory"]) == (0, 0)


def test_what_belongs_to_the_pattern_is_no_call() -> None:
    scores = score(GOAL, Expected(calls=["recall"]), attempt(step("delegate"), step("recall"), step("give_up")))
    assert (scores["tools"], scores["trajectory"], scores["economy"]) == (1, 1, 1)


def test_half_of_the_arguments_is_half() -> None:
    expected = Expected(arguments={"send_email": ["a@b.org", "report.html"]})
    assert score(GOAL, expected, attempt(step("send_email", to="a@b.org")))["arguments"] == 0.5
    assert score(GOAL, expected, attempt())["arguments"] == 0


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("Alba: 541,099", 1),
        ("Alba: EUR 541099.00", 1),
        ("Alba: 541.1k", 0.5),
        ("Corvo: 541,099", 0.5),
        ("Corvo: 541,098", 0),
        ("Alba: 1541,099", 0.5),
    ],
)
def test_figures_may_be_rounded_but_not_wrong(tmp_path: Path, said: str, facts: float) -> None:
    database = tmp_path / "sales.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE top AS SELECT 'Alba' AS name, 541099.2 AS revenue")
    expected = Expected(figures="SELECT name, revenue FROM top")
    assert score(GOAL, expected, attempt(answer=said, sales=database))["facts"] == facts
