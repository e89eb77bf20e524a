"""A worker that is killed at any moment loses nothing, and nothing that was finished is done again."""

import json
import subprocess
import sys
from collections import Counter
from email import message_from_bytes
from pathlib import Path

from app.bootstrap import open_platform
from app.runs.records import Run, RunState
from app.settings import Settings, StoreSettings
from tests.e2e.killed_worker import MOVES
from tests.integration.scripted import OWNER, Script, executor_for

OPERATIONS = 5  # memories, the plan, a thought, the e-mail, a note


def killed_run(folder: Path) -> dict[str, int]:
    """What the workers' parent says after one of them came to the end."""
    command = [sys.executable, "-m", "tests.e2e.killed_worker", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    return dict(json.loads(done.stdout.splitlines()[-1]))


def only_run(folder: Path) -> Run:
    with open_platform(Settings(store=StoreSettings(url=f"sqlite:///{folder}/app.db"))) as platform:
        store = executor_for(platform, Script(MOVES).reply, folder).store
        return store.get(store.recent(OWNER, 9)[0].id, OWNER)


def test_a_run_survives_a_kill_in_and_after_every_operation(tmp_path: Path) -> None:
    assert killed_run(tmp_path) == {"workers": 2 * OPERATIONS + 1, "exit": 0}
    run = only_run(tmp_path)
    assert (run.state, run.answer) == (RunState.SUCCEEDED, "Told.")
    assert [step.tool or step.kind for step in run.steps] == ["make_plan", "send_email", "note"]
    asked = Counter((tmp_path / "asked").read_text().split("\n")[:-1])
    assert set(asked.values()) == {2}, "each thought was interrupted once and finished once"
    mails = [message_from_bytes(mail.read_bytes()) for mail in (tmp_path / "outbox").glob("*.eml")]
    assert [mail["To"] for mail in mails] == ["boss@example.com"], "the e-mail was sent once"
