"""`app run` and `app runs`: results on stdout, steps and questions on stderr, an exit code that says what is left."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from app.errors import InvalidInput, NotFound
from app.runs.store import NotPossible

GOAL = "Calculate 12 * 9 and e-mail the result to boss@example.com"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that a run stores goes into a folder of the test's own."""
    monkeypatch.setenv("APP_STORE__URL", f"sqlite:///{tmp_path}/app.db")
    monkeypatch.setenv("APP_AGENT__FOLDER", str(tmp_path / "runs"))
    monkeypatch.setenv("APP_MAIL__OUTBOX", str(tmp_path / "outbox"))


def app(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def waiting() -> str:
    """The id of a run that waits for a person."""
    stopped = app("run", GOAL, "--json")
    assert stopped.exit_code == 3
    run = json.loads(stopped.stdout)
    assert (run["state"], run["approval"]["tool"]) == ("waiting", "send_email")
    return str(run["id"])


def test_a_run_that_waits_tells_its_id_and_the_commands_that_lead_on(tmp_path: Path) -> None:
    stopped = app("run", GOAL)
    assert stopped.exit_code == 3
    found = re.fullmatch(r"Run (\w{16}) waits for a person: send_email\.", stopped.stdout.strip())
    assert found, stopped.stdout
    commands = re.findall(r"^   uv run app (runs \w+ \w+)$", stopped.stderr, re.MULTILINE)
    assert commands == [f"runs {verb} {found[1]}" for verb in ("approve", "refuse", "cancel")]
    assert "to: boss@example.com" in stopped.stderr
    assert not list((tmp_path / "outbox").glob("*"))
    done = app(*commands[0].split())
    assert (done.exit_code, "boss@example.com" in done.stdout) == (0, True)
    assert "calculate(expression)" not in done.stderr, "what was told before is not told again"
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1
    assert isinstance(app(*commands[0].split()).exception, NotPossible)


def test_a_refused_run_ends_without_the_email(tmp_path: Path) -> None:
    done = app("runs", "refuse", waiting(), "--comment", "Not today.")
    assert (done.exit_code, "not sent" in done.stdout) == (0, True)
    assert not list((tmp_path / "outbox").glob("*"))


def test_runs_are_listed_shown_cancelled_and_resumed() -> None:
    run = waiting()
    listed = app("runs").stdout
    assert all(word in listed for word in (run, "waiting", "cli", GOAL[:40]))
    assert json.loads(app("runs", "list", "--json").stdout)["runs"][0]["id"] == run
    shown = app("runs", "show", run).stdout
    assert all(word in shown for word in (GOAL, "[x] 1. Calculate", "to: boss@example.com", f"runs approve {run}"))
    assert "attachments" not in shown, "an empty argument says nothing"
    assert app("runs", "resume", run).exit_code == 3
    assert app("runs", "cancel", run).stdout == f"Run {run} is cancelled.\n"
    assert isinstance(app("runs", "resume", run).exception, NotPossible)


def test_the_answer_alone_is_on_stdout() -> None:
    done = app("run", "What is 12 * 9?")
    assert (done.exit_code, done.stdout.strip().splitlines()[-1].endswith("108")) == (0, True)
    assert "calculate(expression)" in done.stderr
    assert "calculate(expression)" not in done.stdout


def test_a_part_of_a_goal_that_no_rule_covers_ends_with_1_and_its_words() -> None:
    done = app("run", "Draft Terraform for a bucket on gcp and estimate the monthly cost")
    assert (done.exit_code, "'estimate the monthly cost', so nothing was done" in done.stdout) == (1, True)


def test_no_evaluation_on_served_documents_is_ever_due() -> None:
    asked = app("eval", "due")
    assert (asked.exit_code, "Nothing is ever due" in asked.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("run", " "), InvalidInput),
        (("run", "x" * 5000), InvalidInput),
        (("runs", "show", "nowhere"), NotFound),
        (("runs", "approve", "nowhere"), NotFound),
    ],
    ids=["blank", "huge", "unknown", "unknown-approval"],
)
def test_what_cannot_be_run_is_refused(arguments: tuple[str, ...], error: type[Exception]) -> None:
    assert isinstance(app(*arguments).exception, error)
