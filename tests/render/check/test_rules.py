"""Each rule bites: it passes on an exemplary repository and fails on the same one with one thing changed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shipfolio.check import history, rules
from shipfolio.check.rubric import Rubric
from shipfolio.check.scoring import Finding, score
from tests.conftest import git
from tests.render.check.exemplary import BREAKS, FAKE_KEY, GOOD, IDLE, write

DEPENDENTS = {"EVA101": {"EVA102"}, "INF101": {"INF102", "INF103", "INF104", "SEC105"}, "CI101": {"SEC103", "SEC104"}}
EASY = {"TST102": {"TST101"}}  # without any test there is none of one's own either


def states(folder: Path) -> dict[str, str]:
    return {finding.id: finding.state for finding in score(folder, Rubric()).findings}


def finding(folder: Path, name: str) -> Finding:
    return next(found for found in score(folder, Rubric()).findings if found.id == name)


def test_the_exemplary_repository_earns_every_point(tmp_path: Path) -> None:
    result = score(write(tmp_path, GOOD), Rubric())
    assert [found for found in result.findings if found.state != "pass"] == []
    assert (result.percent, result.passed, result.notes) == (100.0, True, [])


@pytest.mark.parametrize("name", BREAKS)
def test_a_rule_fails_where_its_one_thing_is_missing(tmp_path: Path, name: str) -> None:
    write(tmp_path, {**GOOD}, commit=False)
    write(tmp_path, BREAKS[name])
    lost = {rule: state for rule, state in states(tmp_path).items() if state != "pass"}
    assert lost[name] == "fail"
    assert set(lost) == {name} | DEPENDENTS.get(name, set()) | EASY.get(name, set())
    assert {lost[dependent] for dependent in DEPENDENTS.get(name, ())} <= {"wait"}


def test_there_is_a_breaking_change_for_every_rule() -> None:
    assert set(BREAKS) == set(rules.fresh())


def test_a_rule_says_what_it_wants_why_and_how_to_mend_it() -> None:
    for name, rule in rules.fresh(run=True).items():
        assert (type(rule).__doc__ or "").strip().endswith("."), name
        assert (type(rule).check.__doc__ or "").strip().endswith("."), name
        assert len(rule.why) > 30, name
        assert rule.points > 0, name


def test_the_points_add_up_to_a_hundred() -> None:
    assert sum(rule.points for rule in rules.fresh().values()) == 100


def test_a_secret_that_was_removed_still_stands_in_the_history(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, "app/keys.py": f'KEY = "{FAKE_KEY}"\n'})
    write(tmp_path, {"app/keys.py": "KEY = None\n"})
    found = finding(tmp_path, "SEC101")
    assert found.state == "fail"
    assert any("in the history of app/keys.py" in line for line in found.evidence)
    assert FAKE_KEY not in json.dumps(score(tmp_path, Rubric()).document()), "the report does not spread the key"


def test_a_committed_env_file_counts_after_it_was_deleted(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, ".env": "OPENAI_API_KEY=abc\n"})
    write(tmp_path, {".env": None})
    assert finding(tmp_path, "SEC101").state == "fail"


def test_a_committed_secret_counts_while_the_folder_holds_another_text(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, "app/keys.py": f'KEY = "{FAKE_KEY}"\n'})
    write(tmp_path, {"app/keys.py": "KEY = None\n"}, commit=False)
    evidence = finding(tmp_path, "SEC101").evidence
    first = git(tmp_path, "rev-parse", "--short=10", "HEAD")
    assert f"AWS access key {FAKE_KEY[:7]}... in the history of app/keys.py (commit {first})" in evidence


def test_a_history_that_is_too_long_is_said_to_be_searched_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {**GOOD, "docs/long.md": "one\n" * 1000})
    write(tmp_path, {"docs/long.md": "two\n" * 1000})
    write(tmp_path, {"docs/long.md": "three\n"})
    assert any("the whole history searched" in line for line in finding(tmp_path, "SEC101").evidence)
    monkeypatch.setattr(history, "MAX_HISTORY_BYTES", 100)
    assert any("the history without 1 older contents searched" in line for line in finding(tmp_path, "SEC101").evidence)


def test_a_file_in_the_middle_of_a_merge_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, "app/keys.py": "KEY = 0\n"})
    start = git(tmp_path, "rev-parse", "HEAD")
    write(tmp_path, {"app/keys.py": "KEY = 1\n"})
    git(tmp_path, "checkout", "--quiet", "-b", "other", start)
    write(tmp_path, {"app/keys.py": "KEY = 2\n"})
    assert "CONFLICT" in subprocess.run(["git", "merge", "main"], cwd=tmp_path, capture_output=True, text=True).stdout
    write(tmp_path, {"app/keys.py": f'KEY = "{FAKE_KEY}"\n'}, commit=False)
    assert any("... in app/keys.py" in line for line in finding(tmp_path, "SEC101").evidence)


def test_what_is_too_large_to_search_is_said(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, "data/rows.csv": f"{FAKE_KEY}\n" * 60_000})
    write(tmp_path, {"data/rows.csv": None})
    assert any("lost or have more than 1 MB searched" in line for line in finding(tmp_path, "SEC101").evidence)


def test_a_history_that_git_cannot_list_is_not_said_to_be_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, GOOD)
    answer = history.History._answer

    def slow(self: history.History, *arguments: str, **given: Any) -> bytes | None:
        return None if arguments[0] == "rev-list" else answer(self, *arguments, **given)

    monkeypatch.setattr(history.History, "_answer", slow)
    assert any("git could not list it" in line for line in finding(tmp_path, "SEC101").evidence)


def test_a_broken_history_is_not_said_to_be_searched(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, "notes.md": "one\n"})
    blob = git(tmp_path, "rev-parse", "HEAD:notes.md")
    write(tmp_path, {"notes.md": None})
    (tmp_path / f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    evidence = finding(tmp_path, "SEC101").evidence
    assert not any("the whole history" in line for line in evidence), evidence


def test_a_shallow_clone_has_no_whole_history(tmp_path: Path) -> None:
    whole, shallow = tmp_path / "whole", tmp_path / "shallow"
    whole.mkdir()
    write(whole, GOOD)
    write(whole, {"notes.md": "one\n"})
    git(tmp_path, "clone", "--quiet", "--depth", "1", whole.as_uri(), str(shallow))
    assert any("what this shallow clone lacks" in line for line in finding(shallow, "SEC101").evidence)


@pytest.mark.parametrize(
    "text", ["OPENAI_API_KEY=sk-your-key-here\n", "AKIAIOSFODNN7EXAMPLE\n", "see sk-learn-contrib\n"]
)
def test_an_example_is_no_secret(tmp_path: Path, text: str) -> None:
    assert finding(write(tmp_path, {**GOOD, "docs/keys.md": text}), "SEC101").state == "pass"


def test_an_ignored_env_file_is_no_leak(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, ".gitignore": ".env\n"})
    write(tmp_path, {".env": "OPENAI_API_KEY=abc\n"}, commit=False)
    assert finding(tmp_path, "SEC101").state == "pass"


GUARDED = """
try:
    import numpy
except ImportError:
    def test_without(): assert 1 + 1 == 2
else:
    def test_with(): assert numpy.e > 2
if numpy:
    pass
elif True:
    def test_elif(): assert 2 > 1
with open("x") as file:
    class TestFile:
        def test_method(self): assert file
def helper():
    def test_hidden(): assert False
"""


def test_tests_count_wherever_pytest_finds_them(tmp_path: Path) -> None:
    found = finding(write(tmp_path, {"tests/test_guarded.py": GUARDED}), "TST101")
    assert found.evidence[0] == "4 tests"


def test_a_step_that_may_fail_is_no_gate(tmp_path: Path) -> None:
    workflow = GOOD[".github/workflows/ci.yml"].replace(
        "- run: make test", "- continue-on-error: true\n        run: make test"
    )
    assert finding(write(tmp_path, {**GOOD, ".github/workflows/ci.yml": workflow}), "CI101").state == "fail"


def test_weights_and_pass_mark_decide(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, "uv.lock": "x"}, commit=False)
    write(tmp_path, {"docs/story.md": None})
    assert score(tmp_path, Rubric()).percent == 90
    only = Rubric(weights={"EVD": 1, "EVD104": 5, "STR": 0, "TST": 0, "EVA": 0, "REL": 0, "SEC": 0, "INF": 0, "CI": 0})
    result = score(tmp_path, only)
    assert [found.id for found in result.findings] == ["EVD101", "EVD102", "EVD103", "EVD104"]
    assert result.percent == 37.5
    assert not result.passed
    assert score(tmp_path, Rubric(pass_mark=95)).passed is False


@pytest.mark.parametrize("template", ["rag-platform", "agent"])
def test_golden_cases_of_a_template_are_not_your_own(rendered, tmp_path: Path, template: str) -> None:
    (golden,) = (rendered(template) / "evals/golden").glob("*.yaml")
    write(tmp_path, {**GOOD, "evals/golden/facts.yaml": golden.read_text("utf-8")})
    assert finding(tmp_path, "EVA101").state == "pass"
    assert finding(tmp_path, "EVA103").state == "fail"


def test_a_template_text_in_new_lines_is_still_the_templates(rendered, tmp_path: Path) -> None:
    """Moving the README of the template into the story, wrapped anew, earns nothing."""
    words = (rendered("rag-platform") / "README.md").read_text("utf-8").split()
    story = "\n".join(" ".join(words[at : at + 7]) for at in range(0, len(words), 7))
    found = finding(write(tmp_path, {**GOOD, "docs/story.md": story}), "EVD104")
    assert found.state == "fail", found.evidence


def test_the_idle_tests_are_named(tmp_path: Path) -> None:
    found = finding(write(tmp_path, {**GOOD, "tests/test_numbers.py": IDLE}), "TST101")
    assert "12 tests that assert nothing: tests/test_numbers.py::test_number_0" in found.evidence[1]
