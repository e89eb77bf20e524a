"""Panels and alerts of the SaaS ask for something that there is: a Prometheus scrapes a service with a customer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.gateway.provider_server import ProviderServer, quote, serve_providers

from .live_metrics import alert_queries, panel_queries, scraping, unhealthy_rules, without_data, work_until_seen
from .saas_customer import Customer, founded
from .served_project import Project, serve

pytestmark = pytest.mark.slow
QUESTIONS = (
    "Up to which crown cover does the cooling by street trees grow?",
    "Do young street trees with thin trunks cool the air?",
    "Who won the regatta on the moon?",
)


@dataclass
class Visitor:
    """A customer's program that uploads, asks, asks again, judges and meets failures."""

    client: httpx2.Client
    providers: ProviderServer
    samples: Path

    def round(self, number: int) -> None:
        """One round of everything; in every second one the primary provider is down, or breaks off."""
        self.providers["openai"].behave = ("ok", 503, "ok", "cut")[number % 4]
        documents = [
            ("file", (path.name, path.read_bytes())) for path in sorted(self.samples.glob("research/trees/*.md"))
        ]
        broken = ("file", (f"broken-{number}.pdf", b"%PDF-1.4 no more"))
        self.client.post("/documents/batch", files=[*documents, broken]).raise_for_status()
        for question in QUESTIONS:
            self.ask(f"{question} ({number})")
        trace, _ = self.ask(QUESTIONS[0]), self.ask(QUESTIONS[0])
        self.client.post("/feedback", json={"trace_id": trace, "rating": 1})

    def ask(self, question: str) -> str:
        """The trace of the answer; a failure is what some rounds are for."""
        answer = self.client.post("/ask", json={"question": question})
        assert answer.status_code in (200, 503), answer.text
        return answer.json().get("trace_id", "0" * 32)


@pytest.fixture(scope="module")
def prometheus(
    saas_project: Project, prometheus_tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A Prometheus that has seen a customer at work."""
    folder = tmp_path_factory.mktemp("watched")
    with serve_providers(quote) as providers:
        settings = {
            "APP_STORE__URL": f"sqlite:///{folder}/app.db",
            "APP_MAIL__OUTBOX": str(folder / "outbox"),
            "APP_LLM__PRIMARY": "openai:gpt-5-mini",
            "APP_LLM__FALLBACK": "ollama:served",
            "APP_LLM__BREAKER_PAUSE_SECONDS": "1",
            "APP_BUDGET__TOKENS_PER_DAY": "10000000",
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": f"{providers.url}/openai/v1",
            "OLLAMA_BASE_URL": f"{providers.url}/compatible/v1",
        }
        with (
            serve(saas_project, **settings) as service,
            scraping(prometheus_tools, monitoring(saas_project), service.origin, folder / "prometheus") as address,
        ):
            customer = founded(service.origin, folder / "outbox")
            with customers_program(service.origin, customer) as client:
                visitor = Visitor(client, providers, saas_project.folder / "samples")
                work_until_seen(address, monitoring(saas_project), visitor.round)
            yield address


def monitoring(project: Project) -> Path:
    return project.folder / "monitoring"


def customers_program(origin: str, customer: Customer) -> httpx2.Client:
    """A client with the organisation's key, on a plan that allows some hundred questions."""
    root = f"{origin}/v1/organisations/{customer.organisation}"
    paid = httpx2.post(f"{root}/billing/plan", json={"plan": "team"}, headers=dict(customer.session))
    paid.raise_for_status()
    return httpx2.Client(base_url=root, headers={"Authorization": f"Bearer {customer.key}"}, timeout=30)


def test_every_panel_and_alert_looks_at_something(prometheus: str, saas_project: Project) -> None:
    panels, alerts = panel_queries(monitoring(saas_project)), alert_queries(monitoring(saas_project))
    assert len(panels) >= 30
    assert "UsageUnreported" in alerts
    assert without_data(prometheus, {**panels, **alerts}) == {}
    assert unhealthy_rules(prometheus) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "found"),
    [
        ("dashboards/customers.json", "organisation_cost_today", "organisation_cost", "Cost today by organisation, A"),
        ("dashboards/service.json", "/v1/organisations/{organisation}/ask", "/v1/ask", "Answers per second, A"),
        ("alerts.yml", "billing_unreported_age_seconds", "billing_unreported_age", "UsageUnreported"),
    ],
)
def test_a_query_for_what_is_not_there_is_found(
    prometheus: str, saas_project: Project, tmp_path: Path, file: str, right: str, wrong: str, found: str
) -> None:
    broken = Path(shutil.copytree(monitoring(saas_project), tmp_path / "monitoring"))
    text = (broken / file).read_text("utf-8")
    assert right in text
    (broken / file).write_text(text.replace(right, wrong), "utf-8")
    queries = {**panel_queries(broken), **alert_queries(broken)}
    assert any(name.endswith(found) for name in without_data(prometheus, queries))
