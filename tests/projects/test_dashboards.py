"""Every panel and alert asks for something that there is: queried from a Prometheus that scrapes a service at work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.gateway.provider_server import ProviderServer, quote, serve_providers

from .live_metrics import alert_queries, panel_queries, scraping, unhealthy_rules, without_data, work_until_seen
from .served_project import Project, serve

pytestmark = pytest.mark.slow
QUESTIONS = (
    "How many unused leave days move into the next year?",
    "What does fault code F17 mean?",
    "Who may approve an expense report?",
    "What does the canteen serve on the moon?",
)


@dataclass(frozen=True)
class Watched:
    """A Prometheus that has seen the service at work, and the project's monitoring folder."""

    prometheus: str
    monitoring: Path


@dataclass
class Visitor:
    """Callers of all kinds: who asks twice, asks what nobody knows, sends nonsense, judges, and meets failures."""

    client: httpx2.Client
    providers: ProviderServer
    samples: Path

    def round(self, number: int) -> None:
        """One round of everything; in every second one the primary provider is down, or breaks off."""
        self.providers["openai"].behave = ("ok", 503, "ok", "cut")[number % 4]
        for question in QUESTIONS:
            self.ask(f"{question} ({number})")
        trace, _ = self.ask(QUESTIONS[0]), self.ask(QUESTIONS[0])
        self.client.post("/feedback", json={"trace_id": trace, "rating": 1})
        documents = [("file", (path.name, path.read_bytes())) for path in sorted(self.samples.rglob("*.md"))[:6]]
        broken = ("file", (f"broken-{number}.pdf", b"%PDF-1.4 no more"))
        self.client.post("/documents/batch", files=[*documents, broken]).raise_for_status()
        self.client.post("/ask", json={"question": ""})

    def ask(self, question: str) -> str:
        """The trace of the answer; a failure is what some rounds are for."""
        answer = self.client.post("/ask", json={"question": question})
        assert answer.status_code in (200, 503), answer.text
        return answer.json().get("trace_id", "0" * 32)


@pytest.fixture(scope="module")
def watched(
    rag_project: Project, prometheus_tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    folder, monitoring = tmp_path_factory.mktemp("watched"), rag_project.folder / "monitoring"
    with serve_providers(quote) as providers:
        settings = {
            "APP_STORE__URL": f"sqlite:///{folder}/app.db",
            "APP_LLM__PRIMARY": "openai:gpt-5-mini",
            "APP_LLM__FALLBACK": "ollama:served",
            "APP_LLM__BREAKER_PAUSE_SECONDS": "1",
            "APP_BUDGET__TOKENS_PER_DAY": "10000000",
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": f"{providers.url}/openai/v1",
            "OLLAMA_BASE_URL": f"{providers.url}/compatible/v1",
        }
        with (
            serve(rag_project, **settings) as service,
            scraping(prometheus_tools, monitoring, service.origin, folder / "prometheus") as prometheus,
            httpx2.Client(
                base_url=f"{service.origin}/v1", headers={"Authorization": f"Bearer {service.key}"}, timeout=30
            ) as client,
        ):
            visitor = Visitor(client, providers, rag_project.folder / "samples")
            work_until_seen(prometheus, monitoring, visitor.round)
            yield Watched(prometheus, monitoring)


def test_every_panel_shows_something(watched: Watched) -> None:
    queries = panel_queries(watched.monitoring)
    assert len(queries) >= 25
    assert without_data(watched.prometheus, queries) == {}


def test_every_alert_looks_at_something(watched: Watched) -> None:
    assert without_data(watched.prometheus, alert_queries(watched.monitoring)) == {}
    assert unhealthy_rules(watched.prometheus) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "found"),
    [
        ("dashboards/service.json", "answer_first_text_seconds_bucket", "answer_first_text_bucket", "first text, A"),
        ("dashboards/service.json", "/v1/ask", "/ask", "Time to answer, B"),
        ("dashboards/cost.json", "by (feature)", "by feature", "Cost by feature, A"),
        ("dashboards/quality.json", "mean1h", "mean", "Support of the answers, A"),
        ("alerts.yml", "budget_used_ratio", "budget_used", "BudgetGone"),
        ("alerts.yml", "answer:support:mean1h <", "answer:support:mean2h <", "QualityDropped"),
    ],
)
def test_a_query_for_what_is_not_there_is_found(
    watched: Watched, tmp_path: Path, file: str, right: str, wrong: str, found: str
) -> None:
    monitoring = Path(shutil.copytree(watched.monitoring, tmp_path / "monitoring"))
    text = (monitoring / file).read_text("utf-8")
    assert right in text
    (monitoring / file).write_text(text.replace(right, wrong), "utf-8")
    queries = {**panel_queries(monitoring), **alert_queries(monitoring)}
    assert any(name.endswith(found) for name in without_data(watched.prometheus, queries))
