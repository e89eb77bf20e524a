"""Numbers on runs that are looked up when Prometheus asks: how many are open, and for how long nothing happened."""

from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa
from opentelemetry.metrics import CallbackOptions, Observation
from sqlalchemy.engine import Engine

from app.observability.telemetry import Telemetry
from app.runs.records import RunState
from app.runs.tables import runs

OPEN = tuple(state for state in RunState if not state.final)


def watch(telemetry: Telemetry, engine: Engine) -> None:
    """Add the gauges of open runs to the metrics, one value for each state."""

    def count(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(number, {"state": state}) for state, (number, _) in open_runs(engine).items()]

    def idle(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(seconds, {"state": state}) for state, (_, seconds) in open_runs(engine).items()]

    meter = telemetry.meters.get_meter("app.runs")
    meter.create_observable_gauge("agent.runs.open", [count], description="Runs that have not ended, by state")
    meter.create_observable_gauge(
        "agent.runs.idle", [idle], "s", "Time since anything happened to the open run that has been left longest"
    )


def open_runs(engine: Engine) -> dict[RunState, tuple[int, float]]:
    """For each state that is not final: how many runs, and the seconds since the last change of the stalest one."""
    columns = (runs.c.state, sa.func.count(), sa.func.min(runs.c.updated_at))
    now = datetime.now(UTC)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).where(runs.c.state.in_(OPEN)).group_by(runs.c.state)).all()
    known = {state: (number, max(0.0, (now - changed).total_seconds())) for state, number, changed in rows}
    return {state: known.get(state.value, (0, 0.0)) for state in OPEN}
