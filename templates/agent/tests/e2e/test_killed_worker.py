"""A worker that is killed at any moment loses nothing, and nothing is done again: neither by it nor by another one."""

import json
import subprocess
import sys
from collections import Counter
from email import message_from_bytes
from pathlib import Path
from typing import Any

from app.bootstrap import open_platform
from app.runs.records import Run, RunState
from app.settings import Settings, StoreSettings
from tests.e2e.killed_worker import MOVES
from tests.e2e.sharing_workers import RUNS
from tests.integration.scripted import OWNER, Script, executor_for

OPERATIONS = 5  # memories, the plan, a thought, the e-mail, a note


def told_by(script: str, folder: Path) -> Any:
    """What the workers' parent says at the end."""
    command = [sys.executable, "-m", f"tests.e2e.{script}", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def runs_in(folder: Path) -> list[Run]:
    with open_platform(Settings(store=StoreSettings(url=f"sqlite:///{folder}/app.db"))) as platform:
        store = executor_for(platform, Script(MOVES).reply, folder).store
        return [store.get(run.id, OWNER) for run in store.recent(OWNER, 99)]


def test_a_run_survives_a_kill_in_and_after_every_operation(tmp_path: Path) -> None:
    assert told_by("killed_worker", tmp_path) == {"workers": 2 * OPERATIONS + 1, "exit": 0}
    (run,) = runs_in(tmp_path)
    assert (run.state, run.answer) == (RunState.SUCCEEDED, "Told.")
    assert [step.tool or step.kind for step in run.steps] == ["make_plan", "send_email", "note"]
    asked = Counter((tmp_path / "asked").read_text().split("\n")[:-1])
    assert set(asked.values()) == {2}, "each thought was interrupted once and finished once"
    mails = [message_from_bytes(mail.read_bytes()) for mail in (tmp_path / "outbox").glob("*.eml")]
    assert [mail["To"] for mail in mails] == ["boss@example.com"], "the e-mail was sent once"


def test_two_workers_share_the_runs_and_do_none_twice(tmp_path: Path) -> None:
    assert told_by("sharing_workers", tmp_path) == [0, 0]
    runs = runs_in(tmp_path)
    assert [run.state for run in runs] == [RunState.SUCCEEDED] * RUNS
    assert [len(run.steps) for run in runs] == [3] * RUNS
    calls = [(tmp_path / name).read_text().splitlines() for name in ("one", "two")]
    assert all(calls), "both workers had a part in it"
    assert sum(map(len, calls)) == RUNS
