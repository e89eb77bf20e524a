"""Numbers that are looked up when Prometheus asks: databases, breakers, budgets, what waits, what is due."""

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Observation

from app.evals.due import IndexEvaluations
from app.llm.breaker import State
from app.llm.gateway import Gateway
from app.llm.spending import Spending
from app.observability.telemetry import Telemetry
from app.stores.catalog import Catalog
from app.stores.ports import SearchIndex


def watch(
    telemetry: Telemetry,
    gateway: Gateway,
    spending: Spending,
    catalog: Catalog,
    index: SearchIndex,
    evaluations: IndexEvaluations,
) -> None:
    """Add the gauges of these services to the metrics."""

    def breakers(_: CallbackOptions) -> Iterable[Observation]:
        states = gateway.states().items()
        return [Observation(int(state is State.OPEN), {"provider": name}) for name, state in states]

    def budgets(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(share, {"scope": scope}) for scope, share in spending.shares().items()]

    def due(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(int(evaluations.due()))]

    def dependencies(_: CallbackOptions) -> Iterable[Observation]:
        checks = {"catalog": catalog.ping, "index": index.ping}
        return [Observation(int(_answers(ping)), {"dependency": name}) for name, ping in checks.items()]

    meter = telemetry.meters.get_meter("app")
    meter.create_observable_gauge("dependency.up", [dependencies], description="1: the database answers")
    meter.create_observable_gauge("model.breaker.open", [breakers], description="1: the provider is left alone")
    meter.create_observable_gauge("budget.used_ratio", [budgets], description="Share of today's budget that is gone")
    meter.create_observable_gauge("evaluation.due", [due], description="1: documents changed since the last evaluation")


def watch_waiting(telemetry: Telemetry, oldest_wait_seconds: Callable[[], float]) -> None:
    """Add the gauge of what waits for a worker; its source is asked when Prometheus asks."""

    def waiting(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(oldest_wait_seconds())]

    meter = telemetry.meters.get_meter("app")
    meter.create_observable_gauge("ingestion.oldest_wait", [waiting], "s", "Age of the oldest waiting document")


def _answers(ping: Callable[[], None]) -> bool:
    try:
        ping()
    except Exception:  # noqa: BLE001 - whatever broke, it does not answer; /readyz says why
        return False
    return True
