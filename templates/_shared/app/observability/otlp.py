"""Where traces, metrics and logs are sent: over OTLP, by OpenTelemetry's own environment variables.

Nothing is sent, and no exporter imported, unless an endpoint is named: OTEL_EXPORTER_OTLP_ENDPOINT for all three,
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (…METRICS…, …LOGS…) for one. Further variables (headers, timeouts, intervals,
samplers) are read by the SDK itself.
"""

import os
from enum import StrEnum

from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor

from app.about import ABOUT
from app.errors import ConfigurationError

OTLP, NONE = "otlp", "none"
PROTOCOL = "http/protobuf"
PATIENCE_SECONDS = 3.0  # for three signals after another: a container that ends has ten seconds in all
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CAPTURED = {"true": True, "span_only": True, "span_and_event": True, "false": False, "no_content": False, "": False}


class Signal(StrEnum):
    """One of the three kinds of telemetry, as the variables spell it."""

    TRACES = "TRACES"
    METRICS = "METRICS"
    LOGS = "LOGS"


def is_sent(signal: Signal) -> bool:
    """Whether this signal goes anywhere: it has an endpoint, or its exporter is named, and nothing switches it off.

    Raises:
        ConfigurationError: an exporter or a protocol that this service does not have.
    """
    if _variable("OTEL_SDK_DISABLED").lower() == "true":
        return False
    exporter = _variable(f"OTEL_{signal}_EXPORTER")
    _refuse(f"OTEL_{signal}_EXPORTER", exporter, ("", OTLP, NONE))
    if exporter == NONE or not (exporter or _of("ENDPOINT", signal)):
        return False
    _refuse("OTEL_EXPORTER_OTLP_PROTOCOL", _of("PROTOCOL", signal), ("", PROTOCOL))
    return True


def patience(signal: Signal) -> float | None:
    """Seconds for one sending with its retries; None where a variable says it in the SDK's own way."""
    return None if _of("TIMEOUT", signal) else PATIENCE_SECONDS


def captures_content() -> bool:
    """Whether traces hold prompts and answers, word for word: off unless OpenTelemetry's variable for it says so.

    Raises:
        ConfigurationError: the variable has a value that means nothing here.
    """
    value = _variable(CAPTURE).lower()
    _refuse(CAPTURE, value, tuple(CAPTURED))
    return CAPTURED[value]


def resource(worker: str = "") -> Resource:
    """Who sends: this project, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    instance = {"service.instance.id": worker} if worker else {}
    own = {"service.name": ABOUT.slug, "service.version": ABOUT.version, **instance}
    return Resource.create(own).merge(OTELResourceDetector().detect())


def span_processors() -> list[SpanProcessor]:
    """What sends the spans; empty where traces go nowhere."""
    if not is_sent(Signal.TRACES):
        return []
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # here: few need it at start
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return [BatchSpanProcessor(OTLPSpanExporter(timeout=patience(Signal.TRACES)))]


def metric_readers() -> list[MetricReader]:
    """What sends the metrics, once a minute unless OTEL_METRIC_EXPORT_INTERVAL says otherwise; or nothing."""
    if not is_sent(Signal.METRICS):
        return []
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return [PeriodicExportingMetricReader(OTLPMetricExporter(timeout=patience(Signal.METRICS)))]


def _of(kind: str, signal: Signal) -> str:
    """A variable of this signal, or else the one for all signals."""
    return _variable(f"OTEL_EXPORTER_OTLP_{signal}_{kind}") or _variable(f"OTEL_EXPORTER_OTLP_{kind}")


def _variable(name: str) -> str:
    """An empty variable counts as none, as OpenTelemetry's specification asks."""
    return os.environ.get(name, "").strip()


def _refuse(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        choices = " or ".join(f"`{choice}`" for choice in known if choice)
        raise ConfigurationError(f"{name}={value!r} is not known here.", f"Set it to {choices}.")
