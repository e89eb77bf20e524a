"""A cohort in a folder of its own, and templates with two versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shipfolio.source import Source
from tests.conftest import VERSION, commit_all, git

SETUP = """\
template: {template}
answers: {{cloud: aws}}
choices: {{provider: [openai, bedrock]}}
roster: roster.csv
destination: out/{{id}}
"""
ROSTER = "id,name,provider\nann,Ann Example,openai\nbob,Bob Beispiel,bedrock\ncy,,\n"
NEXT = "v99.0.0"


@pytest.fixture
def cohort(tmp_path: Path) -> Callable[..., Path]:
    """`cohort(roster, more="key: value")`: the path of a cohort.yml with this roster."""

    def write(roster: str | bytes = ROSTER, more: str = "", template: str = "agent") -> Path:
        content = roster if isinstance(roster, bytes) else roster.encode()
        (tmp_path / "roster.csv").write_bytes(content)
        (tmp_path / "cohort.yml").write_text(SETUP.format(template=template) + more, "utf-8")
        return tmp_path / "cohort.yml"

    return write


@pytest.fixture
def newer(template_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`newer()`: from now on the templates have a newer version, which changes two files."""

    def release() -> None:
        from shipfolio import source as sources

        repository = tmp_path / "templates"
        git(tmp_path, "clone", "--quiet", str(template_repository), str(repository))
        for name, line in (
            ("templates/_shared/.env.example", "# newer\n"),
            ("templates/_shared/Makefile", "# newer\n"),
        ):
            path = repository / name
            path.write_text(line + path.read_text("utf-8"), "utf-8")
        commit_all(repository, "newer", NEXT)
        monkeypatch.setattr(sources, "find", lambda url=sources.TEMPLATE_URL: Source(repository, NEXT, url))

    assert f"v{VERSION}" != NEXT
    return release
