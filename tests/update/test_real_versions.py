"""Every released version of the real templates, updated to the working tree: untouched projects become fresh ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipfolio import engine, plan
from shipfolio.answers import resolve
from shipfolio.errors import UsageError
from shipfolio.source import History, Source
from shipfolio.update import update_project
from tests.conftest import commit_all
from tests.render.test_matrix import RENDERED, readable
from tests.update.conftest import NEWEST, content, made

TEMPLATES = ("rag-platform", "agent", "ai-saas")


def assert_fresh(real: Source, versions: History, path: Path, answers: dict[str, str], old: plan.Planned) -> None:
    """Every file is the newest version's, but what was given to the learner in the old version stays."""
    new = plan.plan(versions.archive(NEWEST), answers, real.url)
    assert content(path) == {**new.files, **{name: old.files[name] for name in old.owned}}


def test_there_is_a_released_version_to_come_from(versions: History) -> None:
    assert versions.versions[0] == "v0.1.0"
    assert versions.versions[-1] == NEWEST


@pytest.mark.parametrize("template", TEMPLATES)
def test_an_untouched_project_of_the_first_version_becomes_a_fresh_one(
    real: Source, versions: History, asked, tmp_path: Path, template: str
) -> None:
    first = versions.versions[0]
    answers = made(real, asked, first, tmp_path / "demo", {"template": template})
    old = plan.plan(versions.archive(first), answers, real.url)
    outcome = update_project(tmp_path / "demo", real, history=versions)
    assert not outcome.needs_person
    assert_fresh(real, versions, tmp_path / "demo", {**answers, **outcome.new_answers}, old)


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_files_read_for_one_template_are_all_that_it_is_made_from(
    real: Source, versions: History, asked, template: str
) -> None:
    with real.history() as history:
        for version in versions.versions:
            answers = resolve(asked[version], {"project_name": "Demo", "template": template})
            few, all_ = history.archive(version, template), versions.archive(version)
            assert len(few.files) < len(all_.files)
            assert plan.plan(few, answers, real.url) == plan.plan(all_, answers, real.url)


@pytest.mark.slow
@pytest.mark.parametrize("row", RENDERED, ids=readable)
def test_every_version_with_every_pair_of_answers(real: Source, versions: History, asked, tmp_path: Path, row) -> None:
    for version in versions.versions[:-1]:
        path = tmp_path / version / "demo"
        try:
            answers = made(real, asked, version, path, row)
        except UsageError:
            continue  # this version did not ask that, or forbade it
        old = plan.plan(versions.archive(version), answers, real.url)
        outcome = update_project(path, real, history=versions)
        assert_fresh(real, versions, path, {**answers, **outcome.new_answers}, old)


@pytest.mark.slow
@pytest.mark.parametrize("row", RENDERED, ids=readable)
def test_the_plan_of_every_version_is_copiers_output(
    real: Source, versions: History, asked, tmp_path: Path, row
) -> None:
    for version in versions.versions:
        try:
            answers = resolve(asked[version], {"project_name": "Demo", **row})
        except UsageError:
            continue
        folder = tmp_path / version / "demo"
        engine.render(Source(real.location, version, real.url), versions.snapshot(version), answers, folder)
        assert content(folder) == plan.plan(versions.archive(version), answers, real.url).files


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
def test_plain_copier_ends_with_the_same_files(
    real: Source, versions: History, asked, tmp_path: Path, template
) -> None:
    made(real, asked, versions.versions[0], tmp_path / "ours/demo", {"template": template})
    readme = tmp_path / "ours/demo/README.md"
    readme.write_text(readme.read_text("utf-8") + "\nA line of mine.\n", "utf-8")
    (tmp_path / "ours/demo/mine.py").write_text("mine\n")
    commit_all(tmp_path / "ours/demo", "mine")
    subprocess.run(["cp", "-r", str(tmp_path / "ours"), str(tmp_path / "plain")], check=True)
    assert not update_project(tmp_path / "ours/demo", real, history=versions).needs_person
    engine.update_public(real, versions.snapshot(NEWEST), {}, tmp_path / "plain/demo")
    assert content(tmp_path / "ours/demo") == content(tmp_path / "plain/demo")
