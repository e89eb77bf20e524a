"""`shipfolio check` from the outside: text, JSON, HTML, exit codes, and fresh projects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.render.check.exemplary import GOOD, write

LEARNERS = {"TST102", "EVA103", "EVD101", "EVD102", "EVD103", "EVD104"}


@pytest.mark.parametrize("template", ["rag-platform", "agent", "ai-saas"])
def test_a_fresh_project_is_far_from_full_marks(shipfolio, rendered, template: str) -> None:
    outcome = shipfolio("check", rendered(template), "--json")
    result = json.loads(outcome.out)["repositories"][0]
    states = {rule["id"]: rule["state"] for rule in result["rules"]}
    assert outcome.code == 3
    assert result["percent"] < 65
    assert {states[name] for name in LEARNERS} == {"fail"}, "these points are for the learner's own work"
    assert states["SEC101"] == states["SEC102"] == states["INF101"] == "pass"


def test_a_good_repository_passes_with_exit_code_0(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("check", write(tmp_path, GOOD))
    assert outcome.code == 0
    assert "100 of 100, pass mark 70: passed" in outcome.out
    assert "FAIL" not in outcome.out


def test_several_repositories_have_one_summary(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("check", write(tmp_path / "a", GOOD), write(tmp_path / "b", {"README.md": "x"}))
    assert outcome.code == 3
    assert "1 of 2 repositories reach their pass mark" in outcome.out
    assert "fix:   Write docs/story.md" in outcome.out


def test_quiet_says_nothing_but_keeps_the_code(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("check", write(tmp_path, {"README.md": "x"}, commit=False), "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (3, "", "")


def test_select_and_ignore(shipfolio, tmp_path: Path) -> None:
    outcome = shipfolio("check", write(tmp_path, GOOD), "--select", "sec,STR101", "--ignore", "SEC101", "--json")
    rules = json.loads(outcome.out)["repositories"][0]["rules"]
    assert [rule["id"] for rule in rules] == ["STR101", "SEC102", "SEC103", "SEC104", "SEC105"]


def test_weights_from_a_file(shipfolio, tmp_path: Path) -> None:
    repo = write(tmp_path / "repo", {**GOOD, "docs/story.md": "short"})
    weights = tmp_path / "weights.yml"
    weights.write_text("pass_mark: 60\nweights: {EVD104: 40, SEC: 0}\n", "utf-8")
    result = json.loads(shipfolio("check", repo, "--weights", weights, "--json").out)["repositories"][0]
    assert (result["percent"], result["passed"], result["pass_mark"]) == (66.1, True, 60)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("weights: {EVD140: 1}", "'EVD140' (did you mean 'EVD104'?)"),
        ("weights: {EVD: -1}", "weights.EVD"),
        ("pas_mark: 3", "pas_mark"),
        ("[1", "no YAML"),
        ("- 1", "wrong"),
    ],
)
def test_wrong_weights_are_explained(shipfolio, tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "w.yml").write_text(text, "utf-8")
    outcome = shipfolio("check", tmp_path, "--weights", tmp_path / "w.yml")
    assert outcome.code == 2
    assert part in outcome.err


def test_wrong_calls_are_explained(shipfolio, tmp_path: Path) -> None:
    assert "is no folder" in shipfolio("check", tmp_path / "gone").err
    assert "(did you mean 'EVD'?)" in shipfolio("check", tmp_path, "--select", "EVX").err
    assert "cannot write" in shipfolio("check", tmp_path, "--html", tmp_path).err


def test_the_page_escapes_what_the_repository_holds(shipfolio, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    repo = write(tmp_path / "repo", {**GOOD, f"docs/adr/{evil.replace('/', '-')}.md": GOOD["docs/adr/0001-store.md"]})
    page = tmp_path / "page.html"
    assert shipfolio("check", repo, "--html", page).code == 0
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "http" not in text.replace("http-equiv", "")


def test_its_code_runs_only_when_asked(shipfolio, tmp_path: Path) -> None:
    repo = write(tmp_path / "repo", {**GOOD, "Makefile": GOOD["Makefile"] + "\ncheck:\n\ttouch ran\n"})
    assert "RUN101" not in shipfolio("check", repo).out
    assert not (repo / "ran").exists()
    assert "`make check` ended with 0" in shipfolio("check", repo, "--run").out
    assert (repo / "ran").exists()
    write(repo, {"Makefile": GOOD["Makefile"] + "\ncheck:\n\texit 7\n"}, commit=False)
    assert "FAIL RUN101" in shipfolio("check", repo, "--run").out
