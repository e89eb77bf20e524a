"""Answers are data: whatever they hold comes out literally and does nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import files_of
from tests.render import checks

SIGNS = [
    "{= 7*7 =}",
    "{=% raise %=}",
    "{=# gone #=}",
    "${{ secrets.X }}",
    "{{ 7*7 }}",
    '"; rm -rf ~',
    "'single' \"double\" `back`",
    "back\\slash \\n \\u0041 \\",
    "two\nlines\n\nand a fourth",
    "$(id) `id` ${HOME} %PATH% !history",
    "</script><script>alert(1)</script><!--",
    "a | b || c & d",
    "# no heading",
    "- no: list",
    "[link](javascript:alert) ![x](y) *b* _i_ ~s~ <b>",
    "yes",
    "null",
    "1e3",
    "0x10",
    "  spaces around  ",
    "tab\there",
    "ünïcödé 日本 🎉 \u202e",
    '"""',
    "'''",
    "%s %(x)s {0} {x}",
    "EOF",
    "@import url",
    "*anchor &anchor !tag",
]
HOSTILE = {
    "project_name": "x {= 7*7 =} ${{ s }} \"; rm '`$(id)` </b> | # \\ \n y",
    "description": "\n".join(SIGNS),
    "author": "A " + SIGNS[7],
}


@pytest.mark.parametrize("sign", SIGNS)
def test_free_text_comes_out_literally(rendered, sign: str) -> None:
    given = {"project_name": f"x{sign}", "description": sign, "author": sign}
    project = rendered("rag-platform", **given)
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
    assert {name: stored[name] for name in given} == given
    about = json.loads((project / "app/about.json").read_text("utf-8"))
    assert about["name"] == given["project_name"]
    assert about["description"] == sign
    assert not [problem for name in files_of(project) if (problem := checks.parse_problem(project / name))]


@pytest.mark.parametrize("template", ["rag-platform", "agent", "ai-saas"])
def test_free_text_reaches_only_the_files_that_escape_it(rendered, template: str) -> None:
    quiet = rendered(template, project_name="same", description="plain", author="plain")
    loud = rendered(template, project_name='same "; #', description="$(id) {= 7*7 =}\n</script>", author="`x` \\")
    different = {name for name in files_of(quiet) if (quiet / name).read_bytes() != (loud / name).read_bytes()}
    assert files_of(quiet) == files_of(loud)
    assert different <= {".copier-answers.yml", "README.md", "pyproject.toml", "app/about.json"}


@pytest.mark.parametrize("template", ["rag-platform", "agent", "ai-saas"])
def test_hostile_text_is_literal_in_pyproject(rendered, template: str) -> None:
    path: Path = rendered(template, **HOSTILE) / "pyproject.toml"
    if not path.exists():
        pytest.skip("the template has no pyproject.toml yet")
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    assert project["name"].replace("-", "").isalnum()
    assert project["description"] == " ".join(HOSTILE["description"].split()), "one line, or uv refuses to build"


@pytest.mark.parametrize("template", ["rag-platform", "agent", "ai-saas"])
def test_the_readme_shows_free_text_instead_of_obeying_it(rendered, template: str) -> None:
    sign = "<b> *x* [y](z) `c`\n# heading"
    project = rendered(template, project_name=f"x {sign}", description=sign, author=sign)
    shown = (project / "README.md").read_text("utf-8")
    assert "<b>" not in shown.replace("\\<b", "")
    assert "\n# heading" not in shown
    assert "](z)" not in shown.replace("\\](z)", "")


def test_nothing_in_an_answer_is_computed(rendered) -> None:
    project = rendered("agent", project_name="calc {= 6*7 =}", description="{= 7*7 =}")
    for name in files_of(project):
        text = (project / name).read_text("utf-8", "ignore")
        assert "calc 42" not in text
    assert "{= 7*7 =}" in (project / "app/about.json").read_text("utf-8")
