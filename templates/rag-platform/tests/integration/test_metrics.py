"""/metrics after traffic: each number that the dashboards and alerts read is there and sane."""

import asyncio
import re

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from app.bootstrap import Platform
from app.ingestion.library import Library

LEAVE = b"# Leave\n\nUp to five unused days move into the next year.\n"
QUESTION = {"question": "How many unused leave days move into the next year?"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def samples(platform: Platform, client: TestClient) -> dict[str, float]:
    """Each sample's value, summed over its labels, after three questions of which one is refused."""
    asyncio.run(Library(platform).add("leave.md", LEAVE))
    again = {"question": f"How many? {QUESTION['question']}", "stream": True}
    for question in (QUESTION, again, {"question": "What is served on Fridays?"}):
        assert client.post("/v1/ask", json=question).status_code == 200
    return totals(client)


def totals(client: TestClient) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric in text_string_to_metric_families(client.get("/metrics").text):
        for sample in metric.samples:
            labels = sample.labels
            keys = [f"{name}={labels[name]}" for name in ("outcome", "feature", "direction", "le") if name in labels]
            found[sample.name] = found.get(sample.name, 0) + sample.value
            for key in keys:
                found[f"{sample.name}|{key}"] = found.get(f"{sample.name}|{key}", 0) + sample.value
    return found


def test_answers_and_refusals_are_counted(samples: dict[str, float]) -> None:
    assert samples["answers_total|outcome=answered"] == 2
    assert samples["answers_total|outcome=refused"] == 1


def test_requests_have_a_latency(samples: dict[str, float]) -> None:
    assert samples["http_server_request_duration_seconds_count"] >= 3
    assert 0 < samples["http_server_request_duration_seconds_sum"] < 30


def test_the_first_text_came_after_a_moment(samples: dict[str, float]) -> None:
    assert samples["answer_first_text_seconds_count"] == 2
    assert 0 < samples["answer_first_text_seconds_sum"] < 10


def test_tokens_and_cost_are_known_by_model_and_feature(samples: dict[str, float]) -> None:
    assert samples["model_tokens_total|feature=answer"] > samples["model_tokens_total|direction=output"] > 0
    assert samples["model_cost_count|feature=answer"] == 2
    assert samples["model_cost_sum|feature=answer"] == 0
    assert samples["model_cost_bucket|le=0.0"] == 2


def test_retrieval_precision_is_the_share_of_passages_that_were_cited(samples: dict[str, float]) -> None:
    assert samples["retrieval_precision_count"] == 2
    assert samples["retrieval_precision_sum"] == 2  # one passage was found, and cited


def test_ingestion_is_counted_by_outcome_and_timed(samples: dict[str, float], platform: Platform) -> None:
    assert samples["documents_ingested_total|outcome=ready"] == 1
    assert samples["ingestion_duration_seconds_count"] >= 1


@pytest.fixture
def spans(platform: Platform) -> InMemorySpanExporter:
    """What the service traces."""
    exporter = InMemorySpanExporter()
    platform.telemetry.tracers.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.mark.parametrize("stream", [False, True])
def test_the_trace_that_an_answer_names_reaches_from_the_request_to_the_model_call(
    platform: Platform, client: TestClient, spans: InMemorySpanExporter, *, stream: bool
) -> None:
    asyncio.run(Library(platform).add("leave.md", LEAVE))
    said = client.post("/v1/ask", json={**QUESTION, "stream": stream}).text
    [trace] = re.findall(r'"trace_id":\s*"(\w{32})"', said)  # what the page shows below an answer
    asked = [span for span in spans.get_finished_spans() if span.name.startswith(("POST /v1/ask", "chat "))]
    assert {span.name.split()[0] for span in asked} == {"POST", "chat"}
    assert {f"{span.context.trace_id:032x}" for span in asked if span.context} == {trace}


def test_no_span_holds_what_was_asked_or_answered(
    platform: Platform, client: TestClient, spans: InMemorySpanExporter
) -> None:
    asyncio.run(Library(platform).add("leave.md", LEAVE))
    client.post("/v1/ask", json=QUESTION)
    texts = " ".join(span.to_json() for span in spans.get_finished_spans())
    assert "chat " in texts
    assert "unused" not in texts


def test_an_answer_carries_the_trace_of_its_caller(platform: Platform, client: TestClient) -> None:
    asyncio.run(Library(platform).add("leave.md", LEAVE))
    header = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    assert client.post("/v1/ask", json=QUESTION, headers=header).json()["trace_id"] == TRACE
    assert client.post("/v1/ask", json=QUESTION).json()["trace_id"] != TRACE
