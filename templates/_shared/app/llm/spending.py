"""What model calls cost: a ledger by day, key, feature and model, and budgets that stop before they are overspent.

What a call may consume at most is set aside before it. A process that is killed in between leaves that behind; another
one, or the same one after its start, gives it back when the reservation has lapsed.

Money is kept in whole nano-dollars, so that sums are exact on every database.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.errors import BudgetExceeded, TooManyTokens
from app.llm.usage import Usage
from app.settings import BudgetSettings
from app.stores.database import Housekeeping, Moment, Prepared, metadata, upsert

NANO = 1_000_000_000
EVERYONE = "*"
LAPSE = timedelta(minutes=10)  # no call takes that long; one that does is only charged when it ends
AMOUNTS = ("tokens", "nano_usd")
COUNTED = ("calls", "input_tokens", "output_tokens", "nano_usd")
LOOK_SECONDS = 60.0  # how often reservations that have lapsed are looked for

ledger = sa.Table(
    "spend_ledger",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("caller", sa.String(16), primary_key=True),
    sa.Column("feature", sa.String(40), primary_key=True),
    sa.Column("model", sa.String(100), primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
    sa.Column("nano_usd", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,  # the key's index holds the row itself: one tree to write, not two
)
budgets = sa.Table(
    "spend_budget",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("caller", sa.String(16), primary_key=True),
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("nano_usd", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
reservations = sa.Table(
    "spend_reservation",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("caller", sa.String(16), nullable=False),
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("nano_usd", sa.BigInteger, nullable=False),
    sa.Column("lapses_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)
# Both accounts in one statement, the key's first: whoever locks them never waits for another in a circle.
ADD = """
INSERT INTO spend_budget (day, caller, tokens, nano_usd)
VALUES (:day, :caller, :tokens, :nano_usd), (:day, :everyone, :tokens, :nano_usd)
ON CONFLICT {key} DO UPDATE
SET tokens = spend_budget.tokens + excluded.tokens, nano_usd = spend_budget.nano_usd + excluded.nano_usd
RETURNING caller, tokens, nano_usd
"""
SET_ASIDE = reservations.insert()
TAKE_BACK = reservations.delete().where(reservations.c.id == sa.bindparam("taken")).returning(reservations.c.id)


@dataclass(frozen=True)
class Reservation:
    """What one request may consume at most; it counts against the budgets until it is settled or lapses."""

    id: str
    day: date
    caller: str
    tokens: int
    nano_usd: int


@dataclass(frozen=True)
class BudgetWarning:
    """A day's budget has passed the share from which the service warns, or is gone; `caller` is a key or `*`."""

    day: date
    caller: str
    share: float


@dataclass(frozen=True)
class Spent:
    """One line of the ledger."""

    day: date
    caller: str
    feature: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    usd: float


class Spending:
    """The ledger and the budgets of one database, shared by every process that opens it."""

    def __init__(self, engine: Engine, settings: BudgetSettings) -> None:
        self._engine = engine
        self._add_to_accounts = Prepared(_add_to_accounts(engine.dialect.name), engine.dialect)
        self._add_to_ledger = Prepared(upsert(engine.dialect.name, ledger, COUNTED), engine.dialect)
        self._set_aside = Prepared(SET_ASIDE, engine.dialect)
        self._take_back = Prepared(TAKE_BACK, engine.dialect)
        self._settings = settings
        self._looking = Housekeeping(LOOK_SECONDS)
        self._refused: set[tuple[date, str]] = set()

    def reserve(self, caller: str, most: Usage) -> Reservation:
        """Set aside what a request may consume at most. Two requests never get the same money.

        Raises:
            TooManyTokens: the request is larger than one request or this day may be.
            BudgetExceeded: the request is dearer than one request may be, or the day's money is gone.
        """
        tokens, nano_usd = most.input_tokens + most.output_tokens, round(most.cost_usd * NANO)
        self._refuse_large(tokens, nano_usd)
        now = datetime.now(UTC)
        reservation = Reservation(uuid.uuid4().hex, now.date(), caller, tokens, nano_usd)
        if self._settings.limited:
            if self._looking.due():
                self._give_back_lapsed(now)
            with self._engine.begin() as connection:
                self._claim(connection, reservation)
                self._set_aside.run(connection, {**vars(reservation), "lapses_at": now + LAPSE})
        return reservation

    def settle(self, reservation: Reservation, feature: str, model: str, used: Usage) -> list[BudgetWarning]:
        """Write what was really consumed and give back the rest. Call it once, also with nothing used."""
        with self._engine.begin() as connection:
            warnings = self._charge(connection, reservation, used) if self._settings.limited else []
            if used.input_tokens or used.output_tokens:
                key = {"day": reservation.day, "caller": reservation.caller, "feature": feature, "model": model}
                amounts = {
                    "calls": 1,
                    "input_tokens": used.input_tokens,
                    "output_tokens": used.output_tokens,
                    "nano_usd": round(used.cost_usd * NANO),
                }
                self._add_to_ledger.run(connection, key | amounts)
        return warnings

    def gone(self, caller: str) -> list[BudgetWarning]:
        """The budgets of this caller that were nearly used up today and refused a call of this process."""
        day = datetime.now(UTC).date()
        return [BudgetWarning(day, account, 1.0) for account in (caller, EVERYONE) if (day, account) in self._refused]

    def shares(self) -> dict[str, float]:
        """How much of today's budgets is gone, by `key` (the one that used most) and `all`.

        1 is everything: nothing is left, or the little that is left was not enough for a call, which was refused.
        """
        day = datetime.now(UTC).date()
        with self._engine.connect() as connection:
            rows = connection.execute(budgets.select().where(budgets.c.day == day)).mappings().all()
        shares = {"key": 0.0, "all": 0.0}
        for row in rows:
            scope = "all" if row["caller"] == EVERYONE else "key"
            shares[scope] = max(shares[scope], *self._share(row["caller"], row["tokens"], row["nano_usd"]))
        for refused, account in self._refused:
            if refused == day:
                scope = "all" if account == EVERYONE else "key"
                shares[scope] = max(shares[scope], 1.0)
        return shares

    def lines(self, since: date) -> Sequence[Spent]:
        """The ledger from `since` on, oldest first."""
        query = ledger.select().where(ledger.c.day >= since).order_by(*ledger.primary_key.columns)
        with self._engine.connect() as connection:
            return [_spent(row) for row in connection.execute(query).mappings()]

    def _refuse_large(self, tokens: int, nano_usd: int) -> None:
        limits = self._settings
        if limits.request_tokens and tokens > limits.request_tokens:
            raise TooManyTokens(
                f"This request may take {tokens:,} tokens.",
                f"One request may take {limits.request_tokens:,} (APP_BUDGET__REQUEST_TOKENS): ask for less.",
            )
        if limits.request_usd and nano_usd > limits.request_usd * NANO:
            raise BudgetExceeded(
                f"This request may cost {nano_usd / NANO:.4f} USD.",
                f"One request may cost {limits.request_usd} USD (APP_BUDGET__REQUEST_USD).",
            )

    def _charge(self, connection: Connection, reservation: Reservation, used: Usage) -> list[BudgetWarning]:
        """Put what was used in the place of what was set aside, and tell which budgets run out."""
        tokens, nano_usd = used.input_tokens + used.output_tokens, round(used.cost_usd * NANO)
        if self._take_back.run(connection, {"taken": reservation.id}):  # it has not lapsed
            tokens, nano_usd = tokens - reservation.tokens, nano_usd - reservation.nano_usd
        shares = self._add(connection, reservation.caller, reservation.day, tokens, nano_usd)
        told = ((account, max(shares[account])) for account in (reservation.caller, EVERYONE))
        return [
            BudgetWarning(reservation.day, account, share)
            for account, share in told
            if share >= self._settings.alert_share
        ]

    def _give_back_lapsed(self, now: datetime) -> None:
        """Free what processes set aside that did not live to settle it; two that look at once free it once.

        Each in a transaction of its own, so that no two wait for each other in a circle.
        """
        with self._engine.connect() as connection:
            lapsed = connection.execute(reservations.select().where(reservations.c.lapses_at < now)).all()
        for row in lapsed:
            with self._engine.begin() as connection:
                if self._take_back.run(connection, {"taken": row.id}):
                    self._add(connection, row.caller, row.day, -row.tokens, -row.nano_usd)

    def _claim(self, connection: Connection, reservation: Reservation) -> None:
        shares = self._add(connection, reservation.caller, reservation.day, reservation.tokens, reservation.nano_usd)
        for account in (reservation.caller, EVERYONE):
            self._refuse_beyond(account, reservation, *shares[account])

    def _refuse_beyond(self, account: str, reservation: Reservation, tokens: float, money: float) -> None:
        """Refuse what an account has no room for; what was added to it goes with the transaction."""
        whose = "The service" if account == EVERYONE else "This key"
        own = max(self._share(account, reservation.tokens, reservation.nano_usd))
        if max(tokens, money) > 1 and max(tokens, money) - own >= self._settings.alert_share:
            self._refused = {each for each in self._refused if each[0] == reservation.day}
            self._refused.add((reservation.day, account))
        if tokens > 1:
            raise TooManyTokens(f"{whose} has used up its tokens for today.", "They are back at 00:00 UTC.")
        if money > 1:
            raise BudgetExceeded(f"{whose} has used up its money for today.", "It is back at 00:00 UTC.")

    def _add(
        self, connection: Connection, caller: str, day: date, tokens: int, nano_usd: int
    ) -> dict[str, tuple[float, float]]:
        """Charge a caller's account and everybody's, which stay locked; the shares of each that are gone then."""
        values = {"day": day, "caller": caller, "everyone": EVERYONE, "tokens": tokens, "nano_usd": nano_usd}
        rows = self._add_to_accounts.run(connection, values)
        return {account: self._share(account, tokens, nano_usd) for account, tokens, nano_usd in rows}

    def _share(self, account: str, tokens: int, nano_usd: int) -> tuple[float, float]:
        """How much of the account's tokens and money is gone; 0 where there is no limit."""
        limits = self._settings
        everyone = account == EVERYONE
        most_tokens = limits.tokens_per_day if everyone else limits.key_tokens_per_day
        most_usd = limits.usd_per_day if everyone else limits.key_usd_per_day
        return tokens / most_tokens if most_tokens else 0.0, nano_usd / NANO / most_usd if most_usd else 0.0


def _add_to_accounts(dialect: str) -> sa.TextClause:
    """PostgreSQL is told the constraint: a service of many organisations adds theirs to the key."""
    key = "ON CONSTRAINT spend_budget_pkey" if dialect == "postgresql" else "(day, caller)"
    types = [sa.bindparam("day", type_=sa.Date), *(sa.bindparam(name, type_=sa.BigInteger) for name in AMOUNTS)]
    return sa.text(ADD.format(key=key)).bindparams(*types)


def _spent(row: Mapping[Any, Any]) -> Spent:
    values = dict(row)
    usd = values.pop("nano_usd") / NANO
    return Spent(**values, usd=usd)
