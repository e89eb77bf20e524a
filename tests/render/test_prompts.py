"""On a terminal `new` asks for what is missing; elsewhere it never does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.conftest import files_of

ENTER = "\r"


@pytest.fixture
def terminal(template_repository: Path):
    """`terminal("new", …)`: the command on a pseudo terminal."""

    def start(*arguments: object) -> pexpect.spawn:
        environment = {**os.environ, "PYTHONPATH": str(template_repository / "generator"), "TERM": "dumb"}
        command = ["-m", "shipfolio", *(str(argument) for argument in arguments)]
        return pexpect.spawn(
            sys.executable, command, env=environment, encoding="utf-8", timeout=20, dimensions=(60, 150)
        )

    return start


def test_it_asks_what_is_missing_until_the_answer_is_legal(terminal, tmp_path: Path) -> None:
    child = terminal("new", "agent", tmp_path / "demo", "--no-git", "--no-lock", "--description", "given")
    child.expect("project_name .demo.")
    child.sendline("fastapi")
    child.expect("is reserved")
    child.expect("project_name")
    child.sendline("Sales helper")
    child.expect("author")
    child.sendline("")
    child.expect("cloud .aws.")
    child.sendline("9")
    child.expect("choose one of 1 to 3")
    child.sendline("3")
    child.expect("deploy")
    child.sendline("")
    child.expect("provider .openai.")
    child.sendline("bedrock")
    child.expect("Amazon Bedrock runs on AWS only")
    child.sendline("vertex")
    child.expect("fallback_provider")
    child.sendline("")
    child.expect("vector_store")
    child.sendline("")
    child.expect("Then read README.md.")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    stored = yaml.safe_load((tmp_path / "demo/.copier-answers.yml").read_text("utf-8"))
    assert (stored["project_name"], stored["cloud"], stored["provider"]) == ("Sales helper", "gcp", "vertex")
    assert stored["description"] == "given"


def test_ctrl_c_at_a_question_leaves_nothing(terminal, no_path: Path) -> None:
    child = terminal("new", "agent", no_path / "demo")
    child.expect("project_name")
    child.sendintr()
    child.expect("interrupted; nothing was left behind")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_yes_asks_nothing_on_a_terminal(terminal, tmp_path: Path) -> None:
    child = terminal("new", "agent", tmp_path / "demo", "--yes", "--no-git", "--no-lock")
    child.expect("Then read README.md.")
    child.expect(pexpect.EOF)
    assert files_of(tmp_path / "demo")


def test_it_never_asks_without_a_terminal(run, tmp_path: Path) -> None:
    assert run("new", "agent", tmp_path / "demo", "--no-git", "--no-lock").code == 0
