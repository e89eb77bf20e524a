"""What drills are made of: the alerts' expressions, promises that are held, a list that is complete."""

from pathlib import Path

import pytest
import yaml

from drills.__main__ import main, names
from drills.alerts import expression, fires
from drills.service import defaults
from drills.stage import NotSeen, Stage


class Everything(dict[str, float]):
    """A value for whatever series an expression reads."""

    def __missing__(self, series: str) -> float:
        return 1.0


GROUPS = yaml.safe_load(Path("monitoring/alerts.yml").read_text("utf-8"))["groups"]
OVER_DAYS = {"QualityDropped"}  # compares days, which no drill lasts
ALERTS = [rule["alert"] for group in GROUPS for rule in group["rules"] if rule.get("alert", "") not in {"", *OVER_DAYS}]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_of_an_hour_can_be_evaluated(alert: str) -> None:
    assert fires(alert, Everything()) in (True, False)


CALLS = expression("ErrorBudgetBurns").partition(":")[0]  # what this project's callers do: ask, or call about runs
CASES: list[tuple[str, dict[str, float], bool]] = [
    ("BudgetRunsOut", {"budget_used_ratio": 0.79}, False),
    ("BudgetRunsOut", {"budget_used_ratio": 0.8}, True),
    ("BudgetRunsOut", {"budget_used_ratio": 1.0}, False),
    ("BudgetGone", {"budget_used_ratio": 1.0}, True),
    ("ServiceDown", {"up": 1.0}, False),
    ("ErrorBudgetBurns", {f"{CALLS}:errors:ratio1h": 0.073, f"{CALLS}:errors:ratio5m": 0.072}, False),
    ("ErrorBudgetBurns", {f"{CALLS}:errors:ratio1h": 0.073, f"{CALLS}:errors:ratio5m": 0.073}, True),
    ("RefusalsRise", {"answers:refused:ratio1h": 0.4, "answers:refused:ratio1h offset 1d": 0.3}, False),
    ("RefusalsRise", {"answers:refused:ratio1h": 0.4, "answers:refused:ratio1h offset 1d": 0.1}, True),
    ("RunStuck", {"agent_runs_idle_seconds": 901}, True),
    ("RunsFail", {"runs:failed:ratio1h": 1.0, "runs:ended:increase1h": 4}, False),
]


@pytest.mark.parametrize(("alert", "values", "firing"), [case for case in CASES if case[0] in ALERTS])
def test_an_alert_fires_on_its_numbers(alert: str, values: dict[str, float], firing: bool) -> None:
    assert fires(alert, values) is firing


def test_an_expression_beyond_the_grammar_is_refused(tmp_path: Path) -> None:
    rules = tmp_path / "alerts.yml"
    rules.write_text("groups: [{rules: [{alert: Odd, expr: absent(up)}]}]")
    assert expression("Odd", rules) == "absent(up)"
    with pytest.raises(ValueError, match="absent"):
        fires("Odd", {}, rules)


def test_a_broken_promise_ends_the_drill(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage()
    stage.expect("water is wet", True, "wet")
    with pytest.raises(NotSeen, match="fire is cold"):
        stage.expect("fire is cold", False, "hot")
    with pytest.raises(NotSeen, match="never"):
        stage.wait("never", lambda: False, seconds=0)
    assert "MISSING: fire is cold (hot)" in capsys.readouterr().out


def test_settings_of_the_machine_do_not_reach_a_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_BUDGET__TOKENS_PER_DAY", "1")
    assert defaults()["APP_BUDGET__TOKENS_PER_DAY"] == ""


def test_drills_are_listed_and_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "make drill-database-down" in capsys.readouterr().out.splitlines()
    assert main(["flood"]) == 2
    told = capsys.readouterr().err
    assert all(name in told for name in names())
