"""Every panel and alert of the agent asks for something that there is: a Prometheus scrapes a service with runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.gateway.provider_server import serve_providers

from .live_metrics import alert_queries, panel_queries, scraping, unhealthy_rules, without_data, work_until_seen
from .served_project import Project, Service, serve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prometheus(
    agent_project: Project, prometheus_tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A Prometheus that has seen runs end: their model talks instead of planning, so each of them fails."""
    folder = tmp_path_factory.mktemp("watched")
    with serve_providers(lambda _: ["I would rather talk."]) as providers:
        settings = {
            "APP_STORE__URL": f"sqlite:///{folder}/app.db",
            "APP_LLM__PRIMARY": "openai:gpt-5-mini",
            "APP_BUDGET__TOKENS_PER_DAY": "10000000",
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": f"{providers.url}/openai/v1",
        }
        with (
            serve(agent_project, **settings) as service,
            scraping(prometheus_tools, monitoring(agent_project), service.origin, folder / "prometheus") as address,
        ):
            visit(service, address, monitoring(agent_project))
            yield address


def monitoring(project: Project) -> Path:
    return project.folder / "monitoring"


def visit(service: Service, prometheus: str, monitoring: Path) -> None:
    """Runs until everything has been seen, or should have been."""
    headers = {"Authorization": f"Bearer {service.key}"}
    with httpx2.Client(base_url=f"{service.origin}/v1", headers=headers, timeout=30) as client:

        def run(number: int) -> None:
            client.post("/runs", json={"goal": f"Reach it, {number}"}).raise_for_status()

        work_until_seen(prometheus, monitoring, run)


def test_every_panel_and_alert_looks_at_something(prometheus: str, agent_project: Project) -> None:
    panels, alerts = panel_queries(monitoring(agent_project)), alert_queries(monitoring(agent_project))
    assert len(panels) >= 12
    assert {"RunsFail", "RunStuck", "RunWaits"} <= set(alerts)
    assert without_data(prometheus, {**panels, **alerts}) == {}
    assert unhealthy_rules(prometheus) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "found"),
    [
        ("dashboards/runs.json", "agent_runs_open", "agent_runs_waiting", "Open runs, A"),
        ("alerts.yml", "agent_runs_idle_seconds", "agent_runs_idle", "RunStuck"),
        ("alerts.yml", "runs:failed:ratio1h >", "runs:failed:ratio2h >", "RunsFail"),
    ],
)
def test_a_query_for_what_is_not_there_is_found(
    prometheus: str, agent_project: Project, tmp_path: Path, file: str, right: str, wrong: str, found: str
) -> None:
    broken = Path(shutil.copytree(monitoring(agent_project), tmp_path / "monitoring"))
    text = (broken / file).read_text("utf-8")
    assert right in text
    (broken / file).write_text(text.replace(right, wrong), "utf-8")
    queries = {**panel_queries(broken), **alert_queries(broken)}
    assert any(name.endswith(found) for name in without_data(prometheus, queries))
