"""The numbers and alerts that the runbook sends its reader to are there."""

import asyncio
import re
from pathlib import Path

import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient

RUNBOOK = Path("docs/runbook.md").read_text("utf-8")
METRICS = re.findall(r"`((?:agent|model|http_server)_[a-z_]+)`", RUNBOOK + Path("docs/cost.md").read_text("utf-8"))
ALERTS = re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", RUNBOOK)


def test_every_metric_of_the_runbook_is_served(app: FastAPI, client: TestClient) -> None:
    executor = app.state.executor
    asyncio.run(executor.work(executor.create("page", "Calculate 17 * 23.").id))
    exposition = client.get("/metrics").text
    assert len(METRICS) > 2
    assert [name for name in METRICS if f"\n{name}" not in exposition] == []


def test_every_alert_of_the_runbook_exists() -> None:
    rules = yaml.safe_load(Path("monitoring/alerts.yml").read_text("utf-8"))
    known = {rule.get("alert") for group in rules["groups"] for rule in group["rules"]}
    assert len(ALERTS) >= 5
    assert set(ALERTS) <= known
