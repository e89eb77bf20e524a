"""The chain of versions with pytest-copie: each project of an old version reaches the newest one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import VERSION
from tests.update.conftest import NEXT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("template", ["rag-platform", "agent", "ai-saas"])
def test_a_project_reaches_the_next_version(copie, history: Path, template: str) -> None:
    made = copie.copy(extra_answers={"template": template}, template_dir=history, vcs_ref=f"v{VERSION}")
    assert made.exit_code == 0, made.exception
    git = copie.git().with_cwd(made.project_dir)
    git("init")
    git("add", "--all")
    git("commit", "--message", "first")
    about = made.project_dir / "app/about.json"
    assert "generation" not in about.read_text("utf-8")
    updated = copie.update(made, vcs_ref=f"v{NEXT}")
    assert updated.exit_code == 0, updated.exception
    assert '"generation": 2' in about.read_text("utf-8")
    assert not git("diff", "--name-only", "--diff-filter=U").strip()
