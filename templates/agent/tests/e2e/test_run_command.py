"""`app run`: the answer on stdout, steps and questions on stderr, and an exit code that says what is left to do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from app.errors import InvalidInput, NotFound

GOAL = "Calculate 12 * 9 and e-mail the result to boss@example.com"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that a run stores goes into a folder of the test's own."""
    monkeypatch.setenv("APP_STORE__URL", f"sqlite:///{tmp_path}/app.db")
    monkeypatch.setenv("APP_AGENT__FOLDER", str(tmp_path / "runs"))
    monkeypatch.setenv("APP_MAIL__OUTBOX", str(tmp_path / "outbox"))


def app(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["run", *arguments])


def test_a_run_that_needs_a_person_ends_with_3_and_goes_on_later(tmp_path: Path) -> None:
    waiting = app(GOAL, "--json")
    assert waiting.exit_code == 3
    run = json.loads(waiting.stdout)
    assert (run["state"], run["approval"]["tool"]) == ("waiting", "send_email")
    assert not list((tmp_path / "outbox").glob("*"))
    done = app("--continue", run["id"], "--yes")
    assert (done.exit_code, "boss@example.com" in done.stdout) == (0, True)
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1


def test_the_answer_alone_is_on_stdout() -> None:
    done = app("What is 12 * 9?")
    assert (done.exit_code, done.stdout.strip().splitlines()[-1].endswith("108")) == (0, True)
    assert "calculate(expression)" in done.stderr
    assert "calculate(expression)" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((), InvalidInput), ((" ",), InvalidInput), (("x" * 5000,), InvalidInput), (("--continue", "nowhere"), NotFound)],
    ids=["nothing", "blank", "huge", "unknown"],
)
def test_what_cannot_be_run_is_refused(arguments: tuple[str, ...], error: type[Exception]) -> None:
    assert isinstance(app(*arguments).exception, error)
