"""cohort.yml and the roster: everything that is wrong is told at once, with row numbers, before anything is written."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from shipfolio.cohort import roster
from tests.render.cohort.conftest import ROSTER, SETUP

BAD_ROWS = """\
id,name,provider
ann,Ann,openai
../escape,Eve,openai
Ann,Twin,openai
,Nobody,openai
-rf,Option,openai
con.txt,Windows,openai
a/b,Slash,openai
dot.,Dot,openai
ok1,=HYPERLINK("http://x"),openai
ok2,+1,openai
ok3,=Zoe,ollama
ok4,Zoe,openai,extra
repo.git,Zoe,openai
"""


def refusal(shipfolio, path: Path) -> str:
    outcome = shipfolio("cohort", "create", path, "--no-git", "--no-lock")
    assert outcome.code == 2
    assert not (path.parent / "out").exists()
    return outcome.err


def test_every_bad_row_is_told_with_its_number(shipfolio, cohort) -> None:
    told = refusal(shipfolio, cohort(BAD_ROWS))
    assert "has 13 problems" in told, told
    for number, part in {
        3: "'../escape' is no folder name",
        4: "the id 'Ann' is already in row 2",
        5: "the id is empty",
        6: "'-rf' is no folder name",
        7: "'con.txt' is no folder name",
        8: "'a/b' is no folder name",
        9: "'dot.' is no folder name",
        10: "begins like a spreadsheet formula",
        11: "begins like a spreadsheet formula",
        12: "provider 'ollama' is not allowed in this cohort",
        13: "4 cells under 3 column names",
        14: "'repo.git' is no folder name",
    }.items():
        assert any(f"row {number}: " in line and part in line for line in told.splitlines()), (number, told)
    assert "nothing was written" in told


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("id,provider\nann,openai\n", "the column 'name' is missing"),
        ("id,name,cluod\nann,Ann,aws\n", "the column 'cluod' is neither"),
        ("id,name,cloud\nann,Ann,aws\n", "the column 'cloud' is neither"),
        ("id,name,name\nann,Ann,Ann\n", "twice"),
        ("", "nobody"),
        ("id,name\n", "nobody"),
        ("\ufeffid;name\r\nann;Ann\r\n..;x\r\n".encode(), "row 3: the id '..'"),
        ("id,name\nann,J\xfcrgen\n".encode("latin-1"), "row 2: name is not UTF-8"),
        ("id,name\nann,Ann\n".encode("utf-16"), "UTF-16"),
        ('id,name\nann,"Ann\n', "no CSV from here on"),
        (f"id,name\n{'a' * 65},Ann\n", "is no folder name"),
        (f"id,name\nann,{'A' * 2000}\n", "longer than"),
        ("id,name\nann,A\x00B\n", ""),
        ("id,name\nann,A\x1bB\n", "control characters"),
    ],
)
def test_a_broken_roster_is_explained(shipfolio, cohort, content: str | bytes, part: str) -> None:
    outcome = shipfolio("cohort", "create", cohort(content), "--dry-run")
    assert (part in outcome.err) if part else outcome.code == 0


def test_a_yaml_roster(shipfolio, cohort, tmp_path: Path) -> None:
    path = cohort()
    path.write_text(path.read_text("utf-8").replace("roster.csv", "people.yml"), "utf-8")
    (tmp_path / "people.yml").write_text("- {id: ann, name: Ann}\n- {id: bob, name: Bob, provider: bedrock}\n", "utf-8")
    made = json.loads(shipfolio("cohort", "create", path, "--dry-run", "--json").out)
    assert [(one["id"], one["answers"]["provider"]) for one in made["learners"]] == [
        ("ann", "openai"),
        ("bob", "bedrock"),
    ]
    (tmp_path / "people.yml").write_text("- {id: ann}\n- {id: 7, name: x}\n- text\n- {id: ann, name: x}\n", "utf-8")
    told = shipfolio("cohort", "create", path, "--dry-run").err
    assert "row 2: id must be text" in told
    assert "row 3: write id and name as keys" in told
    assert "row 4: the id 'ann' is already in row 1" in told


def test_ten_thousand_rows_are_read_in_seconds_and_told_in_short(shipfolio, cohort) -> None:
    good = "id,name,provider\n" + "".join(f"l{n},Learner {n},openai\n" for n in range(10_000))
    start = time.process_time()
    path = cohort(good)
    assert len(roster.read(path.parent / "roster.csv", ["provider"])[0]) == 10_000
    assert time.process_time() - start < 2
    told = shipfolio("cohort", "create", cohort(good.replace("l", "../l")), "--dry-run").err
    assert "10001 problems" in told or "10000 problems" in told
    assert len(told.splitlines()) < 60


def test_answers_are_locked_chosen_or_default(shipfolio, cohort) -> None:
    made = json.loads(shipfolio("cohort", "create", cohort(), "--dry-run", "--json").out)
    ann, bob, cy = (one["answers"] for one in made["learners"])
    assert (ann["provider"], bob["provider"], cy["provider"]) == ("openai", "bedrock", "openai")
    assert (ann["author"], ann["project_name"], cy["author"]) == ("Ann Example", "ann", "")
    assert {one["cloud"] for one in (ann, bob, cy)} == {"aws"}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (("template: agent", "template: agnet"), "did you mean 'agent'"),
        (("cloud: aws", "clodu: aws"), "'clodu' is no question (did you mean 'cloud'?)"),
        (("cloud: aws", "cloud: mars"), "'mars' is none of aws, azure, gcp"),
        (("cloud: aws", "cloud: yes"), "put it in quotes"),
        (("[openai, bedrock]", "[]"), "name at least one value"),
        (("cloud: aws", "provider: openai"), "'provider' is in answers and in choices"),
        (("out/{id}", "../{id}"), "must not climb"),
        (("out/{id}", "out/all"), "must hold {id} once"),
        (("out/{id}", "'{id}/project'"), "must hold {id} once"),
        (("roster: roster.csv", "rooster: roster.csv"), "there is no such key (did you mean 'roster'?)"),
        (("roster: roster.csv", "roster: gone.csv"), "cannot read the roster"),
        (("destination", "version: v7\ndestination"), "there is no template version 'v7'"),
        (("destination", "remote: git@host:x.git\ndestination"), "with {id} in it"),
        (("destination", "remote: 'ext::sh -c {id}'\ndestination"), "with {id} in it"),
        (("destination", "rubric: {weights: {EVX: 1}}\ndestination"), "did you mean 'EVD'"),
        (("destination", "rubric: {deadline: 2026-12-20T10:00:00}\ndestination"), "deadline"),
        (("template: agent", "[" * 50_000), "no YAML"),
    ],
)
def test_a_wrong_cohort_file_is_explained(shipfolio, cohort, change: tuple[str, str], part: str) -> None:
    path = cohort()
    path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
    assert part in refusal(shipfolio, path)


def test_an_unknown_file_is_explained(shipfolio, tmp_path: Path) -> None:
    assert "cannot read" in shipfolio("cohort", "status", tmp_path / "gone.yml").err


def test_the_published_schema_fits_the_file(shipfolio) -> None:
    schema = json.loads(shipfolio("schema", "cohort").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(yaml.safe_load(SETUP.format(template="agent")))
    assert not validator.is_valid({"template": "agent"})
    assert not validator.is_valid({**yaml.safe_load(SETUP.format(template="agent")), "rooster": "x"})
    assert ROSTER.startswith("id,name")
