"""Plans are read strictly, and a refusal names the plan that helps."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.billing.plans import Kind, Plans, QuotaReached, load_plans
from app.errors import ConfigurationError

FREE = "{name: free, title: Free, price: '0', quotas: {questions: {included: 5}}}"

TEAM = "{{name: team, title: T, price: '9', quotas: {{{}}}}}"


def written(folder: Path, *plans: str) -> Path:
    file = folder / "plans.yaml"
    file.write_text(f"warn_from: 0.8\nplans: [{', '.join(plans)}]\n", encoding="utf-8")
    return file


def test_the_plans_that_are_sold_get_better_with_their_price() -> None:
    plans = load_plans()
    assert not plans.first.price
    for cheaper, dearer in zip(plans.plans, plans.plans[1:], strict=False):
        for kind in Kind:
            assert (dearer.most(kind) or 2**62) >= (cheaper.most(kind) or 2**62), (dearer.name, kind)


def test_an_overage_is_dearer_than_what_the_plan_includes() -> None:
    """Else nobody would ever buy the next plan, or everybody would stay on the smallest one."""
    for plan in load_plans().plans:
        for quota in plan.quotas.values():
            if quota.overage is not None:
                assert quota.overage > plan.price / quota.included


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ("{name: team, title: T, price: '9', quotas: {questions: {included: 5, most: 9}}}", "go together"),
        ("{name: team, title: T, price: '9', quotas: {questions: {included: 5, overage: '1'}}}", "go together"),
        (
            "{name: team, title: T, price: '9', quotas: {questions: {included: 5, overage: '1', most: 2}}}",
            "go together",
        ),
        (
            "{name: team, title: T, price: '9', quotas: {members: {included: 5, overage: '1', most: 9}}}",
            "kept, not used",
        ),
        ("{name: team, title: T, price: '9', quotas: {seats: {included: 5}}}", "seats"),
        ("{name: team, title: T, price: '9', quotas: {questions: {included: -5}}}", "greater than or equal"),
        ("{name: team, title: T, price: '-9', quotas: {}}", "greater than or equal"),
        ("{name: free, title: T, price: '9', quotas: {}}", "same name"),
        ("{name: 'Team 1', title: T, price: '9', quotas: {}}", "pattern"),
        ("{name: team, title: T, price: '9', quotas: {}, seats: 3}", "Extra inputs"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(tmp_path: Path, plan: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_plans(written(tmp_path, FREE, plan))


def test_plans_stand_in_the_order_of_their_prices(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="order of their prices"):
        load_plans(written(tmp_path, "{name: team, title: T, price: '9', quotas: {}}", FREE))


@pytest.mark.parametrize("content", ["plans: [", "warn_from: 0.8\nplans: []\n", "5"])
def test_a_broken_file_is_a_configuration_error(tmp_path: Path, content: str) -> None:
    file = tmp_path / "plans.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"plans\.yaml"):
        load_plans(file)


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_plans(tmp_path / "plans.yaml")


def refusal(wanted: int) -> QuotaReached:
    plans = load_plans()
    return plans.refusal(plans.first, Kind.QUESTIONS, wanted)


def test_a_refusal_names_the_cheapest_plan_that_helps() -> None:
    error = refusal(51)
    assert (error.status, error.helps) == (402, "team")
    assert str(error) == (
        "The plan Free allows 50 questions a month. "
        "The plan Team includes 2,000 questions a month and allows 20,000 at most: each further one costs $0.015. "
        "They are back on the first of next month (UTC)."
    )
    assert refusal(20_001).helps == "business"


def test_a_refusal_that_no_plan_helps_says_so() -> None:
    error = refusal(10**9)
    assert error.helps == ""
    assert "No plan allows more." in str(error)


def test_what_is_kept_can_be_deleted_to_make_room() -> None:
    plans = load_plans()
    error = plans.refusal(plans.first, Kind.STORAGE_BYTES, 30_000_000)
    assert str(error) == "The plan Free allows 25 MB. The plan Team allows 2 GB. Delete some to make room."


def test_prices_are_exact() -> None:
    team = load_plans().named("team")
    assert team is not None
    assert team.quotas[Kind.QUESTIONS].overage == Decimal("0.015")


def test_a_kind_without_a_quota_has_no_limit() -> None:
    plans = Plans.model_validate(
        {"warn_from": 0.8, "plans": [{"name": "free", "title": "F", "price": 0, "quotas": {}}]}
    )
    assert plans.first.most(Kind.QUESTIONS) is None
    assert plans.allowing(Kind.QUESTIONS, 10**12) == plans.first
