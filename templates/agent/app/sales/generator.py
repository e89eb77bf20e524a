"""Makes the sample sales database: the same rows on every machine, within a few seconds."""

import random
import sqlite3
from bisect import bisect
from collections.abc import Hashable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from app.errors import ConfigurationError
from app.sales import assortment as shop

FIRST_DAY = date(2025, 4, 1)
LAST_DAY = date(2026, 9, 30)  # "today" of the sample: the last three months are July to September 2026
ORDER_LINES = 120_000
CUSTOMERS = 640
SEED = 20_250_401
SAMPLE = 0x53414C45  # marks a file as made here
VERSION = 1  # raised when other rows come out

SCHEMA = """
CREATE TABLE region (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE customer (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, segment TEXT NOT NULL, region_id INTEGER NOT NULL REFERENCES region
);
CREATE TABLE product (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL,
  price_cents INTEGER NOT NULL, -- list price of one piece
  cost_cents INTEGER NOT NULL -- what one piece costs Brindlemark
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer,
  day TEXT NOT NULL, -- YYYY-MM-DD
  channel TEXT NOT NULL
);
CREATE TABLE order_line (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders, product_id INTEGER NOT NULL REFERENCES product,
  quantity INTEGER NOT NULL, discount_percent INTEGER NOT NULL,
  amount_cents INTEGER NOT NULL -- quantity times list price, less the discount
);
CREATE TABLE returned (
  order_line_id INTEGER PRIMARY KEY REFERENCES order_line, day TEXT NOT NULL, -- YYYY-MM-DD, when it came back
  quantity INTEGER NOT NULL, refund_cents INTEGER NOT NULL, reason TEXT NOT NULL
);
"""
VIEW = """
-- One row per order line, with everything joined; money in euros. Use this view unless you need more.
CREATE VIEW sales AS SELECT
  l.id AS line_id, l.order_id, o.day, substr(o.day, 1, 7) AS month, o.channel,
  c.name AS customer, c.segment, r.name AS region, p.name AS product, p.category, l.quantity,
  l.amount_cents / 100.0 AS revenue, -- gross of returns
  coalesce(t.refund_cents, 0) / 100.0 AS refund, -- paid back later; net revenue is revenue - refund
  coalesce(t.quantity, 0) AS returned_quantity,
  (l.amount_cents - l.quantity * p.cost_cents) / 100.0 AS margin -- before refunds
FROM order_line l JOIN orders o ON o.id = l.order_id JOIN customer c ON c.id = o.customer_id
JOIN region r ON r.id = c.region_id JOIN product p ON p.id = l.product_id
LEFT JOIN returned t ON t.order_line_id = l.id;
"""
INDEXES = "CREATE INDEX orders_day ON orders (day); CREATE INDEX order_line_order ON order_line (order_id);"

Row = tuple[int | str, ...]
T = TypeVar("T", bound=Hashable)


class Dice:
    """Draws from weights with `random.random` alone, the one draw that Python promises to keep the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - sample data

    def below(self, end: int) -> int:
        """A whole number from 0 to `end` - 1."""
        return int(self._random.random() * end)

    def pick(self, sums: Sequence[int]) -> int:
        """A position, by the running sums of the weights."""
        return bisect(sums, self.below(sums[-1]))


def ensure_sample(path: Path) -> None:
    """Make the sample at `path` unless a database is there; an older sample is replaced, another database never.

    Raises:
        ConfigurationError: the folder cannot be written, or the file is no database.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        if path.exists() and not _outdated(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(draft)
        draft.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(
            f"The sales database {str(path)!r} cannot be made: {error}.", "Check APP_SALES__DATABASE."
        ) from None
    finally:
        draft.unlink(missing_ok=True)


def _outdated(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        (owner,), (version,) = (
            connection.execute(f"PRAGMA {n}").fetchone() for n in ("application_id", "user_version")
        )
    finally:
        connection.close()
    return owner == SAMPLE and version != VERSION


def _write(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # a draft that a crash spoils is thrown away
        connection.execute("BEGIN")
        for statement in filter(str.strip, SCHEMA.split(";\n")):
            connection.execute(statement)
        _fill(connection)
        connection.execute(VIEW)
        for statement in INDEXES.split("; "):
            connection.execute(statement)
        connection.execute("ANALYZE")  # without it no query over days uses their index
        connection.execute(f"PRAGMA application_id = {SAMPLE}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        connection.close()


def _fill(connection: sqlite3.Connection) -> None:
    dice = Dice(SEED)
    customers = list(_customers(dice))
    orders: list[Row] = []
    lines: list[Row] = []
    returned: list[Row] = []
    for day, count in _lines_per_day():
        end = len(lines) + count
        while len(lines) < end:
            orders.append((len(orders) + 1, _customer(dice, customers, day), day.isoformat(), _of(dice, shop.CHANNELS)))
            for _ in range(min(1 + dice.below(4), end - len(lines))):
                line, product = _line(dice, len(lines) + 1, len(orders), day)
                lines.append(line)
                if dice.below(1000) < product.returned:
                    returned.append(_return(dice, line, day))
    tables: dict[str, Sequence[Row]] = {
        "region": [(i, name) for i, (name, _, _) in enumerate(shop.REGIONS, 1)],
        "customer": customers,
        "product": [(i, p.name, p.category, p.price_cents, p.cost_cents) for i, p in enumerate(shop.PRODUCTS, 1)],
        "orders": orders,
        "order_line": lines,
        "returned": [row for row in returned if str(row[1]) <= LAST_DAY.isoformat()],
    }
    for table, rows in tables.items():
        marks = ",".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - names from above


def _customers(dice: Dice) -> Iterator[Row]:
    regions = list(accumulate(share for _, share, _ in shop.REGIONS))
    for number in range(CUSTOMERS):
        first = shop.FIRST_PARTS[number % len(shop.FIRST_PARTS)]
        last = shop.LAST_PARTS[number // len(shop.FIRST_PARTS) % len(shop.LAST_PARTS)]
        branch = number // (len(shop.FIRST_PARTS) * len(shop.LAST_PARTS))
        name = f"{first} {last}{' ' + 'I' * (branch + 1) if branch else ''}"
        yield number + 1, name, _of(dice, shop.SEGMENTS), dice.pick(regions) + 1


def _lines_per_day() -> Iterator[tuple[date, int]]:
    """Every day with its share of the order lines, by month and weekday; the shares add up exactly."""
    days = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    sums = [0, *accumulate(shop.MONTHS[day.month - 1] * shop.WEEKDAYS[day.weekday()] for day in days)]
    ends = [ORDER_LINES * part // sums[-1] for part in sums]
    return ((day, end - start) for day, start, end in zip(days, ends, ends[1:], strict=False))


def _customer(dice: Dice, customers: Sequence[Row], day: date) -> int:
    """A customer who orders on `day`; where a region shrinks or grows, another draw follows now and then."""
    while True:
        number = dice.below(len(customers))
        _, _, trend = shop.REGIONS[int(customers[number][3]) - 1]
        if dice.below(140) < 100 + trend * _months(day):
            return number + 1


def _line(dice: Dice, number: int, order: int, day: date) -> tuple[Row, shop.Product]:
    position = dice.pick(_product_sums(_months(day)))
    product = shop.PRODUCTS[position]
    quantity = _of(dice, shop.QUANTITIES)
    quantity = quantity if quantity < 12 or product.price_cents < 10_000 else 1
    discount = _of(dice, shop.DISCOUNTS)
    amount = quantity * product.price_cents * (100 - discount) // 100
    return (number, order, position + 1, quantity, discount, amount), product


def _return(dice: Dice, line: Row, day: date) -> Row:
    number, quantity, amount = int(line[0]), int(line[3]), int(line[5])
    back = 1 + dice.below(quantity)
    when = day + timedelta(days=3 + dice.below(25))
    return number, when.isoformat(), back, amount * back // quantity, _of(dice, shop.REASONS)


def _months(day: date) -> int:
    """Months since the first one."""
    return (day.year - FIRST_DAY.year) * 12 + day.month - FIRST_DAY.month


def _of(dice: Dice, weighted: tuple[tuple[T, int], ...]) -> T:
    return weighted[dice.pick(_sums(weighted))][0]


@cache
def _sums(weighted: tuple[tuple[Hashable, int], ...]) -> list[int]:
    return list(accumulate(weight for _, weight in weighted))


@cache
def _product_sums(months: int) -> list[int]:
    return list(accumulate(p.weight * (100 + p.trend * months) for p in shop.PRODUCTS))
