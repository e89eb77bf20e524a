"""The unrendered templates are typed: each template with the shared rooms, as one namespace package `app`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytest.importorskip("fastapi", reason="needs the dependency group `templates`")
PYREFLY = Path(sys.executable).parent / "pyrefly"


def complaints(*roots: Path) -> str:
    """What the type checker says of the `app` folders in these roots; empty when all is well."""
    search = [part for root in roots for part in ("--search-path", str(root))]
    folders = [str(root / "app") for root in roots if (root / "app").is_dir()]
    settings = ["--config", str(ROOT / "pyproject.toml"), "--python-interpreter-path", sys.executable]
    command = [str(PYREFLY), "check", "--output-format", "min-text", *settings, *search, *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize("template", ["rag-platform", "agent", "ai-saas"])
def test_a_template_is_typed_where_it_lies(template: str) -> None:
    assert not complaints(ROOT / "templates/_shared", ROOT / "templates" / template)


def test_the_type_check_sees_across_the_shared_rooms(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    wrong = "import app.nowhere\nfrom app.about import ABOUT\n\nnumber: int = ABOUT\n"
    (tmp_path / "app/wrong.py").write_text(wrong, "utf-8")
    found = complaints(ROOT / "templates/_shared", tmp_path)
    assert "bad-assignment" in found
    assert "missing-import" in found
