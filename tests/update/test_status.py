"""`shipfolio status`: drift per file, what an update would touch, and what it says of steps and answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shipfolio import drift, engine, plan
from shipfolio.drift import ProjectStatus
from shipfolio.source import Source
from tests.conftest import commit_all
from tests.conftest import git as git_text
from tests.update.conftest import everything


@pytest.fixture
def inspect(releases: Path):
    def run(path: Path, newest: str = "v3.0.0") -> ProjectStatus:
        return drift.inspect(path, Source(location=releases, ref=newest))

    return run


def test_each_file_is_in_one_list(project, inspect) -> None:
    path = project()
    (path / "app/main.py").write_text("mine\n")
    (path / "README.md").unlink()
    (path / "prompts/answer.md").write_text("my prompt\n")
    (path / "mine.txt").write_text("mine\n")
    (path / ".env").write_text("secret\n")
    status = inspect(path)
    assert (status.changed, status.deleted) == (["app/main.py"], ["README.md"])
    assert status.own == ["mine.txt", "prompts/answer.md"]
    assert ".env" not in status.own
    assert "app/dropped.py" in status.untouched
    lists = (status.untouched, status.changed, status.deleted, status.own)
    assert sum(map(len, lists)) == len(set().union(*lists))
    assert status.drifted


def test_a_fresh_project_has_not_drifted(fresh, inspect) -> None:
    status = inspect(fresh("v3.0.0"))
    assert not status.needs_attention
    assert (status.changed, status.deleted, status.own, status.update.count) == ([], [], [], 0)
    assert inspect(fresh()).behind


def test_what_an_update_would_touch_is_what_it_touches(fresh, project, inspect, update) -> None:
    seen = inspect(fresh()).update
    done = update(project())
    assert (seen.added, seen.removed) == (done.added, done.removed)
    assert [*seen.changed, ".copier-answers.yml"] == sorted(done.changed, key=lambda name: name.startswith("."))


def test_only_the_steps_that_concern_the_project(fresh, inspect) -> None:
    assert [step.title for step in inspect(fresh()).steps] == ["Rename the table", "Say hello"]
    assert [step.title for step in inspect(fresh(cloud="azure")).steps] == ["Only on Azure", "Say hello"]
    assert [step.title for step in inspect(fresh("v2.0.0", cloud="azure")).steps] == ["Say hello"]
    assert inspect(fresh("v3.0.0")).steps == []


def test_an_answer_that_the_newest_version_refuses_is_said(fresh, inspect) -> None:
    assert inspect(fresh(cloud="gcp"), "v4.0.0").misfits == ["cloud 'gcp' is none of aws, azure"]
    assert inspect(fresh(cloud="gcp")).misfits == []


def test_it_changes_nothing(project, inspect) -> None:
    path = project()
    (path / "app/main.py").touch()
    before = everything(path)
    inspect(path)
    assert everything(path) == before


def test_a_project_without_a_repository_still_has_a_status(project, inspect, tmp_path: Path) -> None:
    path = project()
    (path / ".git").rename(tmp_path / "away")
    status = inspect(path)
    assert status.changed == []
    assert "no git repository here" in status.notes[0]


def test_it_does_not_import_copier(project, releases: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from shipfolio import drift; from shipfolio.source import Source;"
        f"drift.inspect(Path({str(project())!r}), Source(Path({str(releases)!r}), 'v3.0.0'));"
        "print(*sorted({'copier', 'plumbum', 'questionary'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize("version", ["v1.0.0", "v3.0.0"])
def test_a_template_that_cannot_be_planned_is_rendered_by_copier(fresh, inspect, monkeypatch, version: str) -> None:
    expected = inspect(fresh(version))

    def refuse(*_arguments: object) -> None:
        raise plan.NotPlannable("unknown feature")

    monkeypatch.setattr(plan, "plan", refuse)
    assert inspect(fresh(version)).untouched == expected.untouched


def test_several_projects_in_one_document(command, fresh, project) -> None:
    path = project()
    (path / "app/main.py").write_text("mine\n")
    commit_all(path, "mine")
    outcome = command("status", fresh("v3.0.0"), path, "--json")
    assert outcome.code == 0, outcome.err
    newest, older = json.loads(outcome.out)["projects"]
    assert (newest["behind"], newest["drifted"], newest["update"]["changed"]) == (False, False, [])
    assert (older["version"], older["newest"], older["files"]["changed"]) == ("v1.0.0", "v3.0.0", ["app/main.py"])
    assert "app/main.py" in older["update"]["changed"]


def test_exit_code_three_tells_drift_or_a_newer_version(command, fresh, project) -> None:
    assert command("status", fresh("v3.0.0"), "--exit-code").code == 0
    assert command("status", fresh()).code == 0
    assert command("status", fresh(), "--exit-code").code == 3
    path = project("v3.0.0")
    (path / "README.md").unlink()
    assert command("status", path, "--exit-code").code == 3


def test_it_says_where_both_sides_changed(command, project) -> None:
    path = project()
    for name in ("app/main.py", "app/dropped.py", "README.md"):
        (path / name).write_text("mine\n")
    out = command("status", path).out
    assert "3 changed" in out
    assert "    changes app/main.py, which you changed\n" in out
    assert "    removes app/dropped.py, which you changed\n" in out
    assert "README.md, which" not in out
    assert f"  next: shipfolio update {path} --preview\n" in out


def test_no_project_is_two_lines(command, tmp_path: Path) -> None:
    outcome = command("status", tmp_path / "nowhere")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        f"error: there is no folder {str(tmp_path / 'nowhere')!r}",
        "  fix: name the folder of a generated project",
    ]


def test_the_working_trees_plan_is_copiers_output(source, snapshot, questionnaire, tmp_path: Path) -> None:
    from shipfolio.answers import resolve
    from tests.render.test_hostile import HOSTILE

    for number, template in enumerate(questionnaire.templates):
        answers = resolve(questionnaire, {"template": template, **HOSTILE})
        planned = plan.plan(snapshot, answers, source.url)
        folder = tmp_path / str(number) / "demo"
        rendered = engine.render(source, snapshot, answers, folder)
        assert list(planned.files) == rendered.files
        assert {name: (folder / name).read_bytes() for name in rendered.files} == planned.files


def test_a_setting_that_we_do_not_know_is_refused(releases: Path, tmp_path: Path) -> None:
    git_text(tmp_path, "clone", "--quiet", str(releases), "changed")
    with (tmp_path / "changed/copier.yml").open("a") as file:
        file.write("_jinja_extensions: [jinja2.ext.do]\n")
    commit_all(tmp_path / "changed", "extension", "v5.0.0")
    with Source(tmp_path / "changed", "v5.0.0").history() as history, pytest.raises(plan.NotPlannable):
        plan.plan(history.archive("v5.0.0"), {"template": "small", "project_name": "Demo"}, "https://x.git")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for compiled templates, and a process that has compiled none."""
    remembered = (plan._cache, plan._environment)
    for function in remembered:
        function.cache_clear()
    monkeypatch.setattr(plan, "user_cache_path", lambda name, ensure_exists: tmp_path / "cache")
    yield tmp_path / "cache"
    for function in remembered:
        function.cache_clear()


@pytest.mark.parametrize("state", ["filled", "garbled", "gone", "no folder"])
def test_compiled_templates_are_kept_but_never_needed(source: Source, cache: Path, state: str) -> None:
    answers = {"template": "rag-platform", "project_name": "Demo"}
    with source.history() as history:
        templates = history.archive(history.newest)
        cache.mkdir()
        first = plan.plan(templates, answers, source.url)
        kept = list(cache.iterdir())
        assert len(kept) > 50
        if state == "garbled":
            for path in kept:
                path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])
        if state in ("gone", "no folder"):
            shutil.rmtree(cache)
        if state == "no folder":
            cache.write_text("a file")
        plan._cache.cache_clear()
        plan._environment.cache_clear()
        assert plan.plan(replace(templates, compiled={}), answers, source.url) == first
