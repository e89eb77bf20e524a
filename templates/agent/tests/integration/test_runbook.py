"""The runbook's commands work as printed, and the numbers and alerts that it sends its reader to are there."""

import asyncio
import re
from pathlib import Path

import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.bootstrap import Platform
from app.cli import cli

RUNBOOK = Path("docs/runbook.md").read_text("utf-8")
METRICS = re.findall(r"`((?:agent|model|http_server)_[a-z_]+)`", RUNBOOK + Path("docs/cost.md").read_text("utf-8"))
ALERTS = re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", RUNBOOK)
MAKES_A_KEY = re.findall(r"^KEY=\$\(uv run app (.+)\)$", RUNBOOK, re.MULTILINE)
FETCHED = re.findall(r'^curl -s -H "Authorization: Bearer \$KEY" http://127\.0\.0\.1:8000(\S+)$', RUNBOOK, re.MULTILINE)
ON_A_RUN = re.findall(r"uv run app (runs \w+) ID", RUNBOOK)


def test_whoever_is_on_call_reaches_anybodys_run_by_the_commands_as_printed(
    app: FastAPI, client: TestClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_STORE__URL", platform.settings.store.url)
    run = app.state.executor.create("somebody", "Calculate 17 * 23.").id
    made = CliRunner().invoke(cli, MAKES_A_KEY[0].split())
    on_call = TestClient(app, headers={"Authorization": f"Bearer {made.stdout.strip()}"})
    assert len(FETCHED) >= 2
    for path in FETCHED:
        answer = on_call.get(path.replace("ID", run))
        assert (answer.status_code, run in answer.text) == (200, True), path
    assert {"runs show", "runs approve", "runs refuse", "runs resume"} <= set(ON_A_RUN)
    for command in {*ON_A_RUN, "runs"} - {"runs show", "runs"}:
        assert CliRunner().invoke(cli, [*command.split(), "--help"]).exit_code == 0
    assert "Calculate 17 * 23." in CliRunner().invoke(cli, ["runs", "show", run]).stdout


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
