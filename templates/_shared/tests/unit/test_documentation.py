"""What the documents promise exists: commands, make targets, settings, files and tests."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from app.cli import cli
from drills.__main__ import names

PAGES = sorted(str(page) for page in [Path("README.md"), *Path("docs").rglob("*.md"), *Path("evals").glob("*.md")])
PATH = r"`((?:app|docs|evals|prompts|samples|tests|infra|deploy|monitoring)/[\w./-]+)`"
RUNBOOK = Path("docs/runbook.md")
TESTS = "\n".join(file.read_text() for file in Path("tests").rglob("*.py"))


def mentioned(pattern: str) -> list[tuple[str, str]]:
    """What the pattern finds in the documents as (page, match), each once."""
    found = {(page, match) for page in PAGES for match in re.findall(pattern, Path(page).read_text(), re.MULTILINE)}
    return sorted(found)


def commands() -> set[str]:
    """Every command as it is typed after `app`, groups included."""
    top = getattr(get_command(cli), "commands", {})
    return {*top, *(f"{name} {sub}" for name, group in top.items() for sub in getattr(group, "commands", {}))}


@pytest.mark.parametrize(("page", "typed"), mentioned(r"uv run app ([a-z]+(?: [a-z]+)?)"))
def test_a_command_exists(page: str, typed: str) -> None:
    known = commands()
    assert typed in known or typed.split()[0] in known - {name.split()[0] for name in known if " " in name}


@pytest.mark.parametrize(("page", "target"), mentioned(r"(?:`|^)make ([a-z]+(?:-[a-z]+)*)"))
def test_a_make_target_exists(page: str, target: str) -> None:
    drill = target.removeprefix("drill-") in {"list", *names()}
    assert drill or re.search(rf"^{target}:", Path("Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("page", "variable"), mentioned(r"\bAPP_[A-Z_]*[A-Z]\b"))
def test_a_setting_exists(page: str, variable: str) -> None:
    assert re.search(rf"\b{variable}\b", Path(".env.example").read_text())


@pytest.mark.parametrize(("page", "link"), mentioned(r"\]\((?!https?:)([^)#]+)"))
def test_a_link_leads_somewhere(page: str, link: str) -> None:
    assert (Path(page).parent / link).exists()


@pytest.mark.parametrize(("page", "path"), mentioned(PATH))
def test_a_path_exists(page: str, path: str) -> None:
    assert Path(path).exists()


@pytest.mark.parametrize(("page", "test"), mentioned(r"`(test_\w+)`"))
def test_a_test_exists(page: str, test: str) -> None:
    assert f"def {test}(" in TESTS


@pytest.mark.skipif(not RUNBOOK.exists(), reason="this project has no runbook")
def test_the_runbook_tells_of_every_drill() -> None:
    told = re.findall(r"^\| `make drill-([\w-]+)` \|", RUNBOOK.read_text(), re.MULTILINE)
    assert sorted(told) == names()
