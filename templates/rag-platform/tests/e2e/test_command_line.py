"""The commands of the README, run as a reader would run them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli


def in_process(folder: Path, *arguments: str) -> Result:
    """Run a command in this process: as the real one, without the two seconds that a start takes."""
    return CliRunner().invoke(cli, arguments, env={"APP_STORE__URL": f"sqlite:///{folder}/app.db", "COLUMNS": "200"})


def as_process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader does."""
    environment = {**os.environ, "APP_STORE__URL": f"sqlite:///{folder}/app.db", "NO_COLOR": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "app.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603


def test_demo_answers_with_a_citation_and_refuses_what_it_cannot_know(tmp_path: Path) -> None:
    done = as_process(tmp_path, "demo")
    assert done.returncode == 0, done.stderr
    assert "[1] hr/leave-policy.md" in done.stdout
    assert "I don't know" in done.stdout
    assert "offline: sentences copied" in done.stdout


def test_a_wrong_path_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    done = as_process(tmp_path, "ingest", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert done.stderr.startswith("Error: There is nothing at")
    assert "Traceback" not in done.stderr


def test_ingest_then_ask_as_json(tmp_path: Path) -> None:
    assert re.match(r"(\d+) of \1 documents ready", in_process(tmp_path, "ingest", "samples").stdout)
    answer = json.loads(in_process(tmp_path, "ask", "How many unused leave days can I carry over?", "--json").stdout)
    assert answer["citations"][0]["document"] == "hr/leave-policy.md"


def test_ingest_reports_a_refused_document_and_exits_with_1(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    done = in_process(tmp_path, "ingest", str(tmp_path / "bad.txt"))
    assert done.exit_code == 1
    assert "0 of 1 documents ready" in done.stdout


def test_a_key_is_printed_once_and_can_be_revoked(tmp_path: Path) -> None:
    secret = in_process(tmp_path, "keys", "create", "me").stdout.strip()
    listed = in_process(tmp_path, "keys", "list").stdout
    assert secret.startswith("app_")
    assert secret not in listed
    assert in_process(tmp_path, "keys", "revoke", listed.split()[0]).exit_code == 0
    assert "revoked" in in_process(tmp_path, "keys", "list").stdout


def test_prompts_are_listed_shown_and_checked(tmp_path: Path) -> None:
    assert re.search(r"^answer@1 +stable +not evaluated", in_process(tmp_path, "prompts", "list").stdout, re.MULTILINE)
    assert "<question>" in in_process(tmp_path, "prompts", "show", "answer@1").stdout
    assert in_process(tmp_path, "prompts", "check").exit_code == 0


def test_two_evaluations_of_the_same_code_give_the_same_scores(tmp_path: Path) -> None:
    first, second = (json.loads(in_process(tmp_path, "eval", "run", "--json", "--no-write").stdout) for _ in range(2))
    assert first["metrics"] == second["metrics"]
    assert first["metrics"]["hit@k"]["n"] >= 30


def test_a_blind_retriever_scores_worse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_RETRIEVAL__TOP_K", "1")
    blind = json.loads(in_process(tmp_path, "eval", "run", "--json", "--no-write").stdout)
    monkeypatch.delenv("APP_RETRIEVAL__TOP_K")
    sighted = json.loads(in_process(tmp_path, "eval", "run", "--json", "--no-write").stdout)
    assert blind["metrics"]["hit@k"]["mean"] < sighted["metrics"]["hit@k"]["mean"]
