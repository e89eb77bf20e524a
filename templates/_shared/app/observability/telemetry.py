"""Metrics and traces by OpenTelemetry: Prometheus reads at `/metrics`, both go wherever the OTEL_* variables say."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Counter, Histogram, Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_trace_id
from opentelemetry.trace import get_current_span as current_span
from prometheus_client import CollectorRegistry, generate_latest
from pydantic_ai.models.instrumented import InstrumentationSettings

from app.llm.usage import Usage
from app.observability import otlp

COST_BUCKETS_USD = (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SHARE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
VIEWS = (  # pydantic-ai's own instrument has buckets of 5 dollars and more
    View(instrument_name="operation.cost", aggregation=ExplicitBucketHistogramAggregation(COST_BUCKETS_USD)),
)


@dataclass(frozen=True)
class Telemetry:
    """The instruments of one running service and the registry that Prometheus reads."""

    meters: MeterProvider
    tracers: TracerProvider
    registry: CollectorRegistry
    reading: Lock  # the reader mixes up two readings at once
    model_calls: InstrumentationSettings
    answers: Counter
    documents: Counter
    coverage: Histogram
    precision: Histogram
    first_text: Histogram
    ingestion_seconds: Histogram
    tokens: Counter
    cost: Histogram
    cache_lookups: Counter
    support: Histogram
    scorings: Counter

    def spent(self, feature: str, model: str, usage: Usage) -> None:
        """Record what one model call for `feature` consumed."""
        labels = {"feature": feature, "model": model}
        self.tokens.add(usage.input_tokens, {**labels, "direction": "input"})
        self.tokens.add(usage.output_tokens, {**labels, "direction": "output"})
        self.cost.record(usage.cost_usd, labels)

    def exposition(self) -> bytes:
        """All metrics in Prometheus text format."""
        with self.reading:
            return generate_latest(self.registry)

    def close(self) -> None:
        """Send what waits to be sent; nothing is measured after it."""
        self.tracers.shutdown()
        self.meters.shutdown()


def build_telemetry(worker: str = "") -> Telemetry:
    """Fresh instruments; they are sent only where the OTEL_* variables name an endpoint.

    With a `worker` name every series carries it, so that several processes can be read side by side.
    """
    registry = CollectorRegistry()
    resource = otlp.resource(worker)
    reader = PrometheusMetricReader(
        registry=registry, resource_attribute_filter=lambda name: bool(worker) and name == "service.instance.id"
    )
    meters = MeterProvider([reader, *otlp.metric_readers()], resource=resource, views=VIEWS)
    tracers = TracerProvider(resource=resource)
    for processor in otlp.span_processors():
        tracers.add_span_processor(processor)
    meter = meters.get_meter("app")
    return Telemetry(
        meters=meters,
        tracers=tracers,
        registry=registry,
        reading=Lock(),
        model_calls=InstrumentationSettings(
            tracer_provider=tracers, meter_provider=meters, include_content=otlp.captures_content()
        ),
        answers=meter.create_counter("answers", description="Answers by outcome and prompt version"),
        documents=meter.create_counter("documents.ingested", description="Documents by outcome"),
        coverage=_histogram(meter, "evidence.coverage", SHARE_BUCKETS, "Coverage of the question, 0 to 1"),
        precision=_histogram(meter, "retrieval.precision", SHARE_BUCKETS, "Share of the passages that were cited"),
        first_text=_histogram(meter, "answer.first_text", SECONDS_BUCKETS, "From question to first text", "s"),
        ingestion_seconds=_histogram(meter, "ingestion.duration", SECONDS_BUCKETS, "Work on one document", "s"),
        tokens=meter.create_counter("model.tokens", description="Tokens by feature, model and direction"),
        cost=_histogram(meter, "model.cost", COST_BUCKETS_USD, "US dollars of one model call at list price"),
        cache_lookups=meter.create_counter("answer.cache.lookups", description="Looks into the cache by outcome"),
        support=_histogram(meter, "answer.support", SHARE_BUCKETS, "Share of an answer that its passages hold"),
        scorings=meter.create_counter("answer.scorings", description="Answers watched in use, by outcome"),
    )


def _histogram(meter: Meter, name: str, buckets: Sequence[float], description: str, unit: str = "") -> Histogram:
    return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=buckets)


def trace_id() -> str:
    """The current trace's id, 32 hexadecimal digits."""
    return format_trace_id(current_span().get_span_context().trace_id)
