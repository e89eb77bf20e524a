"""Alerts, their tests and their instructions name each other."""

import json
import re
from pathlib import Path

import pytest
import yaml

MONITORING = Path("monitoring")
RULES = yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))
TESTS = yaml.safe_load((MONITORING / "alerts.test.yml").read_text("utf-8"))
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_paragraph_and_a_test_in_which_it_fires(alert: str) -> None:
    assert f"\n## {alert}\n" in Path("docs/alerts.md").read_text("utf-8")
    fired = {check["alertname"] for test in TESTS["tests"] for check in test["alert_rule_test"] if check["exp_alerts"]}
    assert alert in fired


def test_every_paragraph_belongs_to_an_alert() -> None:
    told = re.findall(r"^## (\w+)$", Path("docs/alerts.md").read_text("utf-8"), re.MULTILINE)
    assert told == sorted(told, key=ALERTS.index)
    assert set(told) == set(ALERTS)


@pytest.mark.parametrize("path", sorted(MONITORING.glob("dashboards/*.json")), ids=lambda path: path.stem)
def test_a_dashboard_asks_only_for_what_a_rule_or_the_service_gives(path: Path) -> None:
    board = json.loads(path.read_text("utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    recorded = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
    assert queries
    for query in queries:
        for name in re.findall(r"[a-z_]+:[a-z_:0-9]+", query):
            assert name in recorded
