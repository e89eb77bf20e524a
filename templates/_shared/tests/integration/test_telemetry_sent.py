"""Traces, metrics and logs arrive where OpenTelemetry's variables say; without them nothing is sent or imported."""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import structlog
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models.test import TestModel

from app.bootstrap import open_platform
from app.errors import ConfigurationError
from app.llm.usage import Usage
from app.observability.logs import configure_logs
from app.observability.otlp import CAPTURE, Signal, is_sent
from app.observability.telemetry import build_telemetry
from app.settings import LogSettings, Settings

log = structlog.get_logger()
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EVERY = {Signal.TRACES, Signal.METRICS, Signal.LOGS}
CONTENT = "the merger with Initech"


class Collector:
    """Takes what is sent over OTLP and keeps it by path."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        bodies = self.bodies

        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.setdefault(self.path, []).append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def read(self, path: str, request: Any) -> list[Any]:
        """The messages that came to `path`, as objects of the class `request`."""
        return [request.FromString(body) for body in self.bodies.get(path, [])]


@pytest.fixture
def collector() -> Iterator[Collector]:
    opened = Collector()
    Thread(target=opened.server.serve_forever, daemon=True).start()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The logger that `configure_logs` changes, as it was before when the test is over."""
    root = logging.getLogger()
    before = root.handlers, root.level
    yield root
    root.handlers, root.level = before


def use_the_service(settings: Settings, root: logging.Logger) -> str:
    """One span with one log line in it and one model call's cost; returns the trace's id."""
    configure_logs(LogSettings(level="INFO"))
    with open_platform(settings) as platform:
        with platform.telemetry.tracers.get_tracer("test").start_as_current_span("asked") as span:
            log.warning("mail from a@b.example", number=3, ready=None, names=["c@d.example"])
            trace = f"{span.get_span_context().trace_id:032x}"
        platform.telemetry.spent("answer", "offline", Usage(input_tokens=7))
    for handler in root.handlers:
        handler.close()
    return trace


def test_all_three_arrive_before_the_service_has_ended(
    collector: Collector, settings: Settings, root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.url)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    trace = use_the_service(settings, root_logger)

    [spans] = collector.read("/v1/traces", ExportTraceServiceRequest)
    [span] = spans.resource_spans[0].scope_spans[0].spans
    assert (span.name, span.trace_id.hex()) == ("asked", trace)
    assert {a.key: a.value.string_value for a in spans.resource_spans[0].resource.attributes}["service.name"] == "mine"

    metrics = collector.read("/v1/metrics", ExportMetricsServiceRequest)[-1].resource_metrics[0].scope_metrics
    assert {"model.tokens", "dependency.up"} <= {metric.name for scope in metrics for metric in scope.metrics}

    [logs] = collector.read("/v1/logs", ExportLogsServiceRequest)
    [record] = logs.resource_logs[0].scope_logs[0].log_records
    assert (record.body.string_value, record.severity_text) == ("mail from [e-mail]", "WARNING")
    assert record.trace_id.hex() == trace
    values = {attribute.key: attribute.value for attribute in record.attributes}
    assert values["number"].int_value == 3
    assert values["names"].array_value.values[0].string_value == "[e-mail]"


def test_lines_of_libraries_arrive_with_their_traceback_and_those_of_the_sender_do_not(
    collector: Collector, root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, collector.url)
    configure_logs(LogSettings(level="INFO"))
    try:
        raise ValueError("no user a@b.example")
    except ValueError:
        logging.getLogger("library").exception("cannot reach %s", "it")
    logging.getLogger("opentelemetry.exporter").error("the collector is gone")
    for handler in root_logger.handlers:
        handler.close()
    [logs] = collector.read("/v1/logs", ExportLogsServiceRequest)
    [record] = logs.resource_logs[0].scope_logs[0].log_records
    assert record.body.string_value == "cannot reach it"
    [trace] = [a.value.string_value for a in record.attributes if a.key == "exception.stacktrace"]
    assert "ValueError: no user [e-mail]" in trace


def test_a_collector_that_is_gone_does_not_hold_up_the_end(
    settings: Settings, root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")  # nobody listens there
    started = time.monotonic()
    use_the_service(settings, root_logger)
    assert time.monotonic() - started < 10


def test_a_signal_that_is_switched_off_stays_at_home(
    collector: Collector, settings: Settings, root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/elsewhere")
    use_the_service(settings, root_logger)
    assert set(collector.bodies) == {"/elsewhere"}


@pytest.mark.parametrize(
    ("variables", "sent"),
    [
        ({}, set()),
        ({ENDPOINT: ""}, set()),
        ({ENDPOINT: "http://c:4318"}, EVERY),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://c:4318/v1/logs"}, {Signal.LOGS}),
        ({ENDPOINT: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, {Signal.METRICS, Signal.LOGS}),
        (
            {ENDPOINT: "http://c:4318", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "otlp"},
            EVERY - {"METRICS"},
        ),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, {Signal.METRICS}),  # to OpenTelemetry's own default, this machine
        ({ENDPOINT: "http://c:4318", "OTEL_SDK_DISABLED": "true"}, set()),
    ],
)
def test_the_standard_variables_decide_what_is_sent(
    variables: dict[str, str], sent: set[Signal], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert {signal for signal in Signal if is_sent(signal)} == sent


@pytest.mark.parametrize(
    ("name", "value"),
    [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), (CAPTURE, "perhaps")],
)
def test_what_this_service_cannot_do_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://c:4318")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{name}='{value}'.*Set it to"):
        build_telemetry()


def test_no_exporter_is_imported_without_an_endpoint() -> None:
    code = """
import sys
from app.bootstrap import build_telemetry
from app.observability.logs import configure_logs
from app.settings import LogSettings
configure_logs(LogSettings())
build_telemetry().close()
print([name for name in sys.modules if name.startswith(("opentelemetry.exporter.otlp", "opentelemetry.sdk._logs."))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("value", "recorded"), [("", False), ("false", False), ("true", True), ("SPAN_ONLY", True)])
def test_prompts_and_answers_are_in_traces_only_where_that_is_switched_on(
    value: str, recorded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, value)
    telemetry, spans = build_telemetry(), InMemorySpanExporter()
    telemetry.tracers.add_span_processor(SimpleSpanProcessor(spans))
    model = TestModel(custom_output_text=f"It is {CONTENT}.")
    question = ModelRequest.user_text_prompt(f"What is {CONTENT}?")
    asyncio.run(model_request(model, [question], instrument=telemetry.model_calls))
    telemetry.close()
    [span] = spans.get_finished_spans()
    texts = f"{span.attributes} {span.events}"
    assert texts.count(CONTENT) == (2 if recorded else 0)
