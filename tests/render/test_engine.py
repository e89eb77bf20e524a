"""The fast renderer writes what Copier's public function writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipfolio import engine
from shipfolio.answers import resolve
from tests.conftest import files_of
from tests.render.test_hostile import HOSTILE
from tests.render.test_projects import ANSWER_SETS


@pytest.mark.parametrize(("template", "extra"), [("rag-platform", {}), ("ai-saas", HOSTILE)], ids=["plain", "hostile"])
def test_same_files_same_bytes_same_modes(
    source, snapshot, questionnaire, tmp_path: Path, template: str, extra
) -> None:
    answers = resolve(questionnaire, {"template": template, "project_name": "Demo", **extra})
    fast, public = tmp_path / "fast" / "demo", tmp_path / "public" / "demo"
    engine.render(source, snapshot, answers, fast)
    engine.render_public(source, answers, public)
    assert files_of(fast) == files_of(public)
    for name in files_of(fast):
        assert (fast / name).read_bytes() == (public / name).read_bytes(), name
        assert (fast / name).stat().st_mode == (public / name).stat().st_mode, name


def test_the_public_function_takes_over_when_copiers_insides_moved(
    source, snapshot, questionnaire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = resolve(questionnaire, {"template": "agent", "project_name": "Demo"})

    def moved(*_arguments: object) -> None:
        raise AttributeError("gone")

    monkeypatch.setattr(engine, "_render_fast", moved)
    rendered = engine.render(source, snapshot, answers, tmp_path / "demo")
    assert rendered.files == files_of(tmp_path / "demo")
    assert rendered.answers["project_name"] == "Demo"


def test_settings_of_the_user_do_not_leak(
    source, snapshot, questionnaire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults: {author: Somebody Else, cloud: gcp}\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    rendered = engine.render(source, snapshot, {"template": "agent", "project_name": "Demo"}, tmp_path / "demo")
    assert rendered.answers["author"] == ""
    assert rendered.answers["cloud"] == "aws"


def test_the_answer_sets_of_the_golden_trees_cover_every_template(questionnaire) -> None:
    assert {answers["template"] for answers in ANSWER_SETS.values()} == set(questionnaire.templates)
