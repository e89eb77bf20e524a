"""`cohort status`, `update` and `report`: each repository with its own state, all of them untrusted."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shipfolio.check import history
from shipfolio.cohort import table
from tests.conftest import commit_all, git
from tests.render.check.exemplary import GOOD, write
from tests.render.cohort.conftest import NEXT
from tests.render.cohort.test_create import FAST, states

ONE = ("--jobs", "1")


@pytest.fixture
def made(shipfolio, cohort) -> Path:
    """A cohort of three with its repositories; ann@example.com's deadline was long ago."""
    path = cohort(more="rubric: {pass_mark: 70, deadline: 2020-01-01}\n")
    assert shipfolio("cohort", "create", path, *FAST).code == 0
    return path


def standings(shipfolio, path: Path, *options: str) -> dict[str, dict]:
    outcome = shipfolio("cohort", "status", path, *ONE, "--json", *options)
    return {one["id"]: one for one in json.loads(outcome.out)["learners"]}


def edit(repo: Path, name: str, text: str) -> None:
    (repo / name).parent.mkdir(parents=True, exist_ok=True)
    (repo / name).write_text(text, "utf-8")
    commit_all(repo, f"change {name}")


def test_the_table_tells_each_learner_apart(shipfolio, made: Path, newer) -> None:
    out = made.parent / "out"
    edit(out / "ann", "docs/story.md", GOOD["docs/story.md"])
    edit(out / "bob", "Makefile", "nothing:\n")
    (out / "bob/Dockerfile").unlink()
    answers = (out / "cy/.copier-answers.yml").read_text("utf-8").replace("cloud: aws", "cloud: gcp")
    edit(out / "cy", ".copier-answers.yml", answers.replace("provider: openai", "provider: google"))
    histories = {"cy": '{"verdict": "pass"}\n{"verdict": "block"}\n', "bob": '{"verdict": ["pass"]}\n[['}
    for who, text in histories.items():
        (out / who / "evals").mkdir(exist_ok=True)
        (out / who / "evals/history.jsonl").write_text(text, "utf-8")
    found = standings(shipfolio, made)
    assert (found["ann"]["changed"], found["ann"]["deleted"], found["ann"]["dirty"]) == (0, 0, False)
    assert (found["bob"]["changed"], found["bob"]["deleted"], found["bob"]["dirty"]) == (1, 1, True)
    assert found["ann"]["percent"] > found["bob"]["percent"]
    assert (found["ann"]["unlocked"], found["cy"]["unlocked"]) == ([], ["cloud", "provider"])
    assert [found[who]["gate"] for who in ("ann", "bob", "cy")] == ["", "", "block"]
    assert [one["late"] for one in found.values()] == [True] * 3
    assert [one["behind"] for one in found.values()] == [False] * 3
    newer()
    assert [one["behind"] for one in standings(shipfolio, made).values()] == [True] * 3


def test_sort_filter_text_and_csv(shipfolio, made: Path) -> None:
    edit(made.parent / "out/ann", "docs/story.md", GOOD["docs/story.md"])
    by_score = json.loads(shipfolio("cohort", "status", made, *ONE, "--sort", "score", "--json").out)["learners"]
    assert by_score[-1]["id"] == "ann"
    assert list(standings(shipfolio, made, "--where", "drifted")) == []
    assert list(standings(shipfolio, made, "--only", "bob")) == ["bob"]
    outcome = shipfolio("cohort", "status", made, *ONE, "--csv", made.parent / "table.csv", "--where", "failing")
    assert outcome.code == 0
    assert outcome.out.splitlines()[0].split()[:2] == ["id", "version"]
    assert "3 of 3 learners shown; 0 reach the pass mark, 3 need a look" in outcome.out
    rows = list(csv.DictReader((made.parent / "table.csv").read_text("utf-8").splitlines()))
    assert [row["id"] for row in rows] == ["ann", "bob", "cy"]
    assert {"EVD104", "score", "locked answers"} <= set(rows[0])
    assert (rows[0]["EVD104"], rows[1]["EVD104"]) == ("pass", "fail")
    assert shipfolio("cohort", "status", made, *ONE, "--exit-code").code == 3
    assert "choose one of id, score" in shipfolio("cohort", "status", made, "--sort", "name").err


def test_a_repository_that_cannot_be_looked_at_is_told_not_skipped(shipfolio, made: Path, tmp_path: Path) -> None:
    out = made.parent / "out"
    for name in ("ann", "bob"):
        git(tmp_path, "clone", "--quiet", str(out / name), str(tmp_path / f"kept-{name}"))
    (out / "ann").rename(tmp_path / "gone")
    edit(out / "bob", ".copier-answers.yml", "_commit: v1.2.3\ntemplate: ../../../etc\n")
    edit(out / "cy", ".copier-answers.yml", "[" * 50_000)
    found = {name: one["problem"] for name, one in standings(shipfolio, made).items()}
    assert found == {
        "ann": "there is no repository",
        "bob": "it is no agent project",
        "cy": "it has no readable .copier-answers.yml",
    }
    outcome = shipfolio("cohort", "update", made, "--only", "cy", *ONE)
    assert "cy: refused" in outcome.err, "a YAML that overflows the parser's stack is an error, not the end"
    (out / "ann").symlink_to(tmp_path / "kept-ann")
    assert standings(shipfolio, made)["ann"]["problem"] == "there is no repository"


def test_update_gives_each_repository_its_own_outcome(shipfolio, made: Path, newer) -> None:
    out = made.parent / "out"
    edit(out / "bob", "Makefile", "# mine\n" + (out / "bob/Makefile").read_text("utf-8"))
    (out / "cy/notes.txt").write_text("not committed", "utf-8")
    assert set(states(shipfolio("cohort", "update", made, *ONE, "--json")).values()) == {"current", "refused"}
    newer()
    preview = shipfolio("cohort", "update", made, *ONE, "--preview", "--json")
    assert states(preview)["ann"] == "clean"
    assert git(out / "ann", "branch", "--list", "shipfolio*") == ""
    outcome = shipfolio("cohort", "update", made, *ONE)
    assert outcome.code == 3
    assert f"ann: clean on branch shipfolio-update-{NEXT}" in outcome.out
    assert f"bob: conflict on branch shipfolio-update-{NEXT}: conflicts in Makefile" in outcome.err
    assert "cy: refused" in outcome.err
    assert (out / "cy/notes.txt").read_text("utf-8") == "not committed"
    assert git(out / "cy", "branch", "--list", "shipfolio*") == ""
    assert "# newer" in (out / "ann/Makefile").read_text("utf-8")
    again = states(shipfolio("cohort", "update", made, *ONE, "--json"))
    assert again == {"ann": "current", "bob": "refused", "cy": "refused"}, "what is done is not done again"


@pytest.mark.slow
def test_update_pushes_the_branch_of_a_clean_update(shipfolio, cohort, newer, tmp_path: Path) -> None:
    path = cohort("id,name\nann,Ann\n", more=f"remote: {tmp_path}/remotes/{{id}}.git\n")
    git(tmp_path, "init", "--quiet", "--bare", f"{tmp_path}/remotes/ann.git")
    shipfolio("cohort", "create", path, "--push", *FAST)
    newer()
    assert states(shipfolio("cohort", "update", path, *ONE, "--push", "--json")) == {"ann": "clean"}
    branch = f"refs/heads/shipfolio-update-{NEXT}"
    assert git(tmp_path / "remotes/ann.git", "rev-parse", branch) == git(tmp_path / "out/ann", "rev-parse", "HEAD")


def test_no_program_of_a_repository_runs_in_status_or_update(shipfolio, made: Path, newer, tmp_path: Path) -> None:
    repo, witness, trap = made.parent / "out/ann", tmp_path / "ran", tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {witness}\n", "utf-8")
    trap.chmod(0o755)
    for hook in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction", "post-commit"):
        (repo / ".git/hooks").mkdir(exist_ok=True)
        (repo / ".git/hooks" / hook).write_bytes(trap.read_bytes())
        (repo / ".git/hooks" / hook).chmod(0o755)
    newer()
    assert standings(shipfolio, made, "--only", "ann")["ann"]["problem"] == ""
    assert states(shipfolio("cohort", "update", made, "--only", "ann", *ONE, "--json")) == {"ann": "clean"}
    assert not witness.exists()
    git(made.parent / "out/bob", "config", "core.fsmonitor", str(trap))
    git(made.parent / "out/cy", "config", "filter.x.clean", str(trap))
    witness.unlink(missing_ok=True)
    outcome = shipfolio("cohort", "update", made, "--only", "bob", "--only", "cy", *ONE)
    assert "bob: refused: .git/config sets core.fsmonitor, which may run programs" in outcome.err
    assert "cy: refused: .git/config sets filter.x.clean" in outcome.err
    standings(shipfolio, made)
    assert not witness.exists()
    git(made.parent / "out/ann", "commit", "--allow-empty", "--quiet", "-m", "x")
    assert witness.exists(), "the trap works: an ordinary git springs it"


def test_a_repository_that_breaks_us_does_not_hide_the_others(shipfolio, made: Path, monkeypatch) -> None:
    from shipfolio.cohort import survey

    look_at = survey._look_at

    def breaking(job: survey.Survey, learner):
        if learner.id == "bob":
            raise RecursionError("too deep")
        return look_at(job, learner)

    monkeypatch.setattr(survey, "_look_at", breaking)
    found = {name: one["problem"] for name, one in standings(shipfolio, made).items()}
    assert found == {"ann": "", "bob": "it cannot be looked at: RecursionError too deep", "cy": ""}


def test_a_commit_of_the_far_future_is_shown() -> None:
    assert table.moment(10**17) == "after 9999"
    assert table.moment(0) == "never"
    assert table.moment(1_600_000_000) == "2020-09-13 12:26"


EVIL = '<img src=x onerror=alert(1)>"</script><script>alert(2)</script>'


def test_the_report_escapes_everything_and_needs_no_network(shipfolio, cohort, tmp_path: Path) -> None:
    path = cohort(f'id,name\nann,"{EVIL.replace(chr(34), chr(34) * 2)}"\nbob,Bob\n')
    shipfolio("cohort", "create", path, *FAST)
    edit(tmp_path / "out/ann", "docs/adr/<b onclick=x>.md", GOOD["docs/adr/0001-store.md"])
    page, sheet = tmp_path / "report.html", tmp_path / "report.csv"
    outcome = shipfolio("cohort", "report", path, "--html", page, "--csv", sheet, "--title", EVIL, *ONE)
    assert outcome.code == 0
    text = page.read_text("utf-8")
    for part in ("<script", "<img", "<b onclick"):
        assert part not in text
    assert "&lt;b onclick=x&gt;" in text
    assert "src=" not in text.replace("&lt;img src=x", "")
    assert "http" not in text.replace("http-equiv", "")
    assert len(sheet.read_text("utf-8").splitlines()) == 3


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_table_starts_a_formula(start: str) -> None:
    from shipfolio.cohort.survey import Standing

    text = table.as_csv([Standing("ann", f"{start}cmd|' /C calc'!A1", "/x", version="v1", problem=f"{start}1+1")])
    row = next(iter(csv.DictReader(text.splitlines(keepends=True))))
    assert row["name"].startswith("'")
    assert row["problem"].startswith("'")


def test_the_report_counts_what_most_miss(shipfolio, made: Path, tmp_path: Path) -> None:
    write(made.parent / "out/ann", {"docs/story.md": GOOD["docs/story.md"]})
    shipfolio("cohort", "report", made, "--html", tmp_path / "r.html", "--csv", tmp_path / "r.csv", *ONE)
    text = (tmp_path / "r.html").read_text("utf-8")
    missed = text[text.index("What most learners miss") : text.index("Learners, best first")]
    assert "EVD102" in missed
    assert "3 (100 %)" in missed
    assert text.index("<b>ann ") < text.index("<b>bob "), "best first"


@pytest.mark.slow
def test_a_repository_costs_little_to_look_at(shipfolio, cohort) -> None:
    """Processor time with git's, against that of making the same repositories."""
    roster = "id,name\n" + "".join(f"l{n:03d},Learner {n}\n" for n in range(60))
    path = cohort(roster, template="rag-platform")
    started = sum(os.times()[:4])
    assert shipfolio("cohort", "create", path, "--no-lock", *ONE).code == 0
    made = sum(os.times()[:4])
    assert len(standings(shipfolio, path)) == 60
    looked = sum(os.times()[:4])
    assert looked - made < 1.5 * (made - started)
    assert len(standings(shipfolio, path)) == 60
    assert sum(os.times()[:4]) - looked < 1.2 * (looked - made), "a second look costs no more than the first"


@pytest.mark.parametrize(
    ("change", "dirty"),
    [
        (lambda repo: None, False),
        (lambda repo: os.utime(repo / "README.md", (1, 1)), False),
        (lambda repo: (repo / "new.txt").write_text("x"), True),
        (lambda repo: (repo / "README.md").write_text("x"), True),
        (lambda repo: (repo / "README.md").unlink(), True),
        (lambda repo: (repo / "README.md").chmod(0o755), True),
        (lambda repo: git(repo, "rm", "--cached", "--quiet", "README.md"), True),
        (lambda repo: [(repo / "README.md").write_text("x"), git(repo, "add", "README.md")], True),
        (
            lambda repo: [(repo / ".gitignore").write_text("new.txt\n"), git(repo, "commit", "--quiet", "-am", "x")],
            False,
        ),
    ],
    ids=["nothing", "touched", "new", "changed", "gone", "executable", "untracked", "staged", "committed"],
)
def test_what_is_not_committed_is_seen(shipfolio, made: Path, change: Callable[[Path], object], dirty: bool) -> None:
    change(made.parent / "out/ann")
    assert standings(shipfolio, made)["ann"]["dirty"] is dirty
    assert standings(shipfolio, made)["bob"]["dirty"] is False


def test_git_reads_no_repository_that_is_as_it_was_committed(
    shipfolio, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history.History, "dirty", lambda self: pytest.fail("git status was asked"))
    assert not any(one["dirty"] or one["problem"] for one in standings(shipfolio, made).values())
