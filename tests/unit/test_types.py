"""The unrendered templates are typed: each template with the shared rooms that it takes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytest.importorskip("fastapi", reason="needs the dependency group `templates`")
PYREFLY = Path(sys.executable).parent / "pyrefly"


def complaints(project: Path, *roots: Path, without: tuple[str, ...] = ()) -> str:
    """What the type checker says of these roots' `app` folders, put together in `project`; empty when all is well.

    `without` names the rooms that the template leaves out.
    """
    for root in roots:
        shutil.copytree(root / "app", project / "app", dirs_exist_ok=True, ignore=shutil.ignore_patterns(*without))
    settings = ["--config", str(ROOT / "pyproject.toml"), "--python-interpreter-path", sys.executable]
    place = ["--search-path", str(project), str(project / "app")]
    command = [str(PYREFLY), "check", "--output-format", "min-text", *settings, *place]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize(
    ("template", "without"), [("rag-platform", ()), ("agent", ("answering", "ingestion")), ("ai-saas", ())]
)
def test_a_template_is_typed(template: str, without: tuple[str, ...], tmp_path: Path) -> None:
    assert not complaints(tmp_path, ROOT / "templates/_shared", ROOT / "templates" / template, without=without)


def test_the_type_check_sees_across_the_shared_rooms(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    wrong = "import app.nowhere\nfrom app.about import ABOUT\n\nnumber: int = ABOUT\n"
    (tmp_path / "app/wrong.py").write_text(wrong, "utf-8")
    found = complaints(tmp_path, ROOT / "templates/_shared")
    assert "bad-assignment" in found
    assert "missing-import" in found
