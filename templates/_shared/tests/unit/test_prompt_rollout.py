"""A version reaches everybody only over its evaluation and a day as a canary; going back is one step."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import ConfigurationError, InvalidInput
from app.prompts import lock, rollout
from app.prompts.registry import PromptRegistry, Release
from app.prompts.rollout import NOT_COMPARED, Comparison
from app.prompts.versions import Prompt, Scores, write_version
from tests.unit.prompt_folder import write

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING_LOST = Comparison()
LOST = Comparison(losses=("support: drop 0.200 > 0.02, p 0.0001 ≤ 0.05",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path)
    lock.add_to_lock(tmp_path, PromptRegistry(tmp_path).stable("greet"))
    rollout.draft(tmp_path, PromptRegistry(tmp_path), "greet", "ada", NOON)
    return tmp_path


def evaluate(folder: Path, label: str, verdict: str = "pass", model: str = "offline") -> None:
    prompt = PromptRegistry(folder).version(label)
    scores = Scores.model_validate(
        {
            "body_sha256": prompt.body_sha256,
            "evaluated": NOON,
            "against": "greet@1",
            "model": model,
            "dataset": "d",
            "verdict": verdict,
            "metrics": {"kindness": 0.9},
        }
    )
    front = prompt.front.model_copy(update={"scores": scores})
    write_version(Prompt(prompt.name, prompt.path, front, prompt.body))


def edit(folder: Path, version: str) -> None:
    path = folder / "greet" / f"v{version}.md"
    path.write_text(path.read_text("utf-8").replace("Be kind.", "Be rude."), encoding="utf-8")


def promote(
    folder: Path,
    label: str,
    percent: float,
    now: datetime = NOON,
    reason: str = "",
    in_use: Comparison = NOT_COMPARED,
    model: str = "offline",
) -> str:
    registry = PromptRegistry(folder)
    change = rollout.promote(folder, registry, label, percent, now, model=model, reason=reason, in_use=in_use)
    rollout.write(folder, change, now)
    return change.done


def rollback(folder: Path, reason: str = "") -> str:
    change = rollout.rollback(PromptRegistry(folder), "greet", reason)
    rollout.write(folder, change, NOON)
    return change.done


def canary(folder: Path) -> Release:
    found = PromptRegistry(folder).release("greet")
    assert found
    return found


def served(folder: Path) -> list[str]:
    return [prompt.label for prompt in PromptRegistry(folder).served()]


def test_a_draft_copies_the_stable_text_and_is_served_to_nobody(folder: Path) -> None:
    registry = PromptRegistry(folder)
    draft = registry.version("greet@2")
    assert (draft.body_sha256, draft.front.author) == (registry.stable("greet").body_sha256, "ada")
    assert served(folder) == ["greet@1"]


def test_a_version_without_evaluation_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"never evaluated.*app prompts evaluate greet@2"):
        promote(folder, "greet@2", 10)


def test_a_version_that_failed_is_refused(folder: Path) -> None:
    evaluate(folder, "greet@2", "regression")
    with pytest.raises(InvalidInput, match="'regression'"):
        promote(folder, "greet@2", 10)


def test_a_text_that_changed_after_its_evaluation_is_refused(folder: Path) -> None:
    evaluate(folder, "greet@2")
    edit(folder, "2")
    with pytest.raises(InvalidInput, match="changed after its evaluation"):
        promote(folder, "greet@2", 10)


@pytest.mark.parametrize(
    ("scored", "answers"), [("offline", "openai:gpt-5-mini"), ("openai:gpt-5-mini", "openai:gpt-5-mini + openai:small")]
)
def test_scores_of_another_model_than_the_one_that_answers_are_refused(folder: Path, scored: str, answers: str) -> None:
    evaluate(folder, "greet@2", model=scored)
    with pytest.raises(InvalidInput) as refused:
        promote(folder, "greet@2", 10, model=answers, reason="it is nicer")
    assert f"was evaluated with {scored}, the service answers with {answers}." in str(refused.value)
    assert "app prompts evaluate greet@2" in refused.value.remedy
    assert served(folder) == ["greet@1"]
    evaluate(folder, "greet@2", model=answers)
    promote(folder, "greet@2", 10, model=answers)


def test_a_day_as_canary_opens_the_way_to_everybody(folder: Path) -> None:
    evaluate(folder, "greet@2")
    assert promote(folder, "greet@2", 10) == "greet@2 is served to 10 % of the callers."
    with pytest.raises(InvalidInput, match=r"canary for 23.0 of 24 hours"):
        promote(folder, "greet@2", 100, NOON + timedelta(hours=23), in_use=NOTHING_LOST)
    done = promote(folder, "greet@2", 100, NOON + DAY, in_use=NOTHING_LOST)
    assert done == "greet@2 is served to everybody."
    assert served(folder) == ["greet@2"]
    history = PromptRegistry(folder).version("greet@2").front.history
    assert history == ["2026-11-21 12:00 UTC 10 %", "2026-11-22 12:00 UTC 100 %"]


@pytest.mark.parametrize("percent", [10.1, 50, 99.9, 100])
def test_a_new_version_begins_with_a_few_callers(folder: Path, percent: float) -> None:
    evaluate(folder, "greet@2")
    with pytest.raises(InvalidInput, match=r"0\.0 of 24 hours, and nothing can be said .*`--percent 10`"):
        promote(folder, "greet@2", percent)
    assert canary(folder).canary is None


@pytest.mark.parametrize("percent", [2, 99.9, 100])
def test_more_callers_need_the_day_and_a_comparison_that_decides(folder: Path, percent: float) -> None:
    evaluate(folder, "greet@2")
    promote(folder, "greet@2", 1)
    early = NOON + timedelta(hours=23)
    undecided = Comparison(undecided="answered: fewer than 20 scores on a side")
    with pytest.raises(InvalidInput, match=r"23\.0 of 24 hours\. Serve it"):
        promote(folder, "greet@2", percent, early, in_use=NOTHING_LOST)
    with pytest.raises(InvalidInput, match=r"more callers: nothing can be said .*fewer than 20 scores.*--reason"):
        promote(folder, "greet@2", percent, NOON + DAY, reason=" ", in_use=undecided)
    assert canary(folder).percent == 1
    promote(folder, "greet@2", percent, early, "few ask at night", undecided)
    assert PromptRegistry(folder).version("greet@2").front.history[-1].endswith(f"{percent:g} %: few ask at night")


def test_a_larger_share_is_held_anew_and_a_smaller_one_is_not(folder: Path) -> None:
    evaluate(folder, "greet@2")
    promote(folder, "greet@2", 10)
    promote(folder, "greet@2", 50, NOON + DAY, in_use=NOTHING_LOST)
    assert canary(folder).since == NOON + DAY
    promote(folder, "greet@2", 5, NOON + 2 * DAY, in_use=LOST)
    assert (canary(folder).percent, canary(folder).since) == (5, NOON + DAY)


@pytest.mark.parametrize("percent", [11, 99.9, 100])
def test_a_canary_with_losses_in_use_is_refused_whatever_the_reason(folder: Path, percent: float) -> None:
    evaluate(folder, "greet@2")
    promote(folder, "greet@2", 10)
    with pytest.raises(InvalidInput, match=r"worse than the stable version: support: drop 0\.200.*rollback greet"):
        promote(folder, "greet@2", percent, NOON + 2 * DAY, "it is nicer", LOST)
    assert served(folder) == ["greet@1"]


def test_what_everybody_gets_is_no_canary(folder: Path) -> None:
    evaluate(folder, "greet@1")
    with pytest.raises(InvalidInput, match="served to everybody"):
        promote(folder, "greet@1", 10)


def test_a_canary_whose_text_changed_is_refused_because_the_day_was_another_texts(folder: Path) -> None:
    evaluate(folder, "greet@2")
    promote(folder, "greet@2", 10)
    edit(folder, "2")
    evaluate(folder, "greet@2")
    with pytest.raises(InvalidInput, match="the text changed after it was served"):
        promote(folder, "greet@2", 100, NOON + DAY, in_use=NOTHING_LOST)


def test_the_day_can_be_skipped_only_with_a_reason(folder: Path) -> None:
    evaluate(folder, "greet@2")
    with pytest.raises(InvalidInput, match=r"0.0 of 24 hours.*--reason"):
        promote(folder, "greet@2", 100)
    promote(folder, "greet@2", 100, reason="the old one insults people")
    assert PromptRegistry(folder).version("greet@2").front.history[-1].endswith("100 %: the old one insults people")


def test_rollback_stops_the_canary_first_and_then_goes_to_the_previous_version(folder: Path) -> None:
    evaluate(folder, "greet@2")
    promote(folder, "greet@2", 100, reason="trial")
    rollout.draft(folder, PromptRegistry(folder), "greet", "ada", NOON)
    evaluate(folder, "greet@3")
    promote(folder, "greet@3", 10)
    rollback(folder)
    release = PromptRegistry(folder).release("greet")
    assert release
    assert (release.stable, release.canary) == ("2", None)
    done = rollback(folder, "complaints")
    assert done == "greet@2 is not served any more, greet@1 is."
    with pytest.raises(InvalidInput, match="neither a canary nor an earlier version"):
        rollback(folder)


def test_a_version_that_everybody_had_goes_back_at_once(folder: Path) -> None:
    evaluate(folder, "greet@1")
    evaluate(folder, "greet@2")
    promote(folder, "greet@2", 100, reason="trial")
    assert promote(folder, "greet@1", 100) == "greet@1 is served to everybody."


def test_a_rollback_to_a_version_whose_file_is_gone_changes_nothing(folder: Path) -> None:
    evaluate(folder, "greet@2")
    promote(folder, "greet@2", 100, reason="trial")
    (folder / "greet/v1.md").unlink()
    before = (folder / "registry.yaml").read_bytes()
    with pytest.raises(ConfigurationError, match="'greet@1'"):
        rollback(folder)
    assert (folder / "registry.yaml").read_bytes() == before


def test_a_running_service_follows_a_rollback_without_a_restart(folder: Path) -> None:
    evaluate(folder, "greet@2")
    promote(folder, "greet@2", 100, reason="trial")
    service = PromptRegistry(folder)
    assert service.choose("greet", "ada").label == "greet@2"
    rollback(folder)
    assert service.choose("greet", "ada").label == "greet@1"


def test_an_untouched_folder_has_no_problems(folder: Path) -> None:
    assert lock.problems(folder, PromptRegistry(folder)) == []


def test_a_changed_text_under_a_served_version_is_found(folder: Path) -> None:
    edit(folder, "1")
    (problem,) = lock.problems(folder, PromptRegistry(folder))
    assert "v1.md: the text changed after it was served" in problem


def test_a_draft_may_change_freely(folder: Path) -> None:
    edit(folder, "2")
    assert lock.problems(folder, PromptRegistry(folder)) == []


def test_scores_of_another_text_are_found(folder: Path) -> None:
    evaluate(folder, "greet@2")
    edit(folder, "2")
    (problem,) = lock.problems(folder, PromptRegistry(folder))
    assert "v2.md: the scores belong to another text" in problem


def test_a_version_served_past_the_promotion_is_found(folder: Path) -> None:
    (folder / "registry.yaml").write_text('prompts: {greet: {stable: "2"}}', encoding="utf-8")
    (problem,) = lock.problems(folder, PromptRegistry(folder))
    assert "v2.md: it is served but not in lock.yaml" in problem


def test_a_served_version_whose_file_is_gone_is_found(folder: Path) -> None:
    (folder / "registry.yaml").write_text('prompts: {greet: {stable: "2"}}', encoding="utf-8")
    lock.add_to_lock(folder, PromptRegistry(folder).stable("greet"))
    (folder / "greet/v1.md").unlink()
    (problem,) = lock.problems(folder, PromptRegistry(folder))
    assert "greet@1 was served and its file is gone" in problem


def test_the_projects_own_prompts_are_well_formed_and_unchanged() -> None:
    own = Path("prompts")
    assert lock.problems(own, PromptRegistry(own)) == []
