"""Killed at any moment, an organisation loses nothing and pays for nothing twice, and its deletion leaves nothing."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.e2e.killed_workspace import FIRST, NAME, SECOND


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.e2e.killed_workspace", str(tmp_path_factory.mktemp("killed"))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300, check=True)  # noqa: S603
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize(
    ("step", "status", "text", "size"),
    [
        ("sent", "queued", "", len(FIRST)),
        ("replaced", "queued", "five", len(SECOND)),
        ("read", "ready", "seven", len(SECOND)),
    ],
)
def test_a_document_is_kept_read_and_paid_for_once(
    told: dict[str, Any], step: str, status: str, text: str, size: int
) -> None:
    after = told["steps"][step]
    assert after["kills"] >= 4, "there were moments to be killed at"
    assert after["documents"] == [[NAME, status]]
    assert ["unused days" in passage and text in passage for passage in after["passages"]] == [True] * bool(text)
    assert after["used"] == {"documents": 1, "storage_bytes": size}


def test_a_deleted_document_leaves_nothing_and_takes_no_room(told: dict[str, Any]) -> None:
    after = told["steps"]["deleted"]
    assert after["kills"] >= 4
    assert (after["documents"], after["passages"]) == ([], [])
    assert after["used"] == {"documents": 0, "storage_bytes": 0}


def test_an_organisation_whose_deletion_was_killed_is_whole_or_gone(told: dict[str, Any]) -> None:
    after = told["organisations"]
    assert after["kills"] >= 6
    assert set(after["fates"]) == {"whole", "gone"}
