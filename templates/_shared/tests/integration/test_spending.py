"""The ledger adds up, and budgets are never overspent, also not by many at once."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar

import pytest
import structlog
from sqlalchemy.engine import Engine

from app.errors import BudgetExceeded, TooManyTokens
from app.llm.alerts import BudgetAlerts
from app.llm.spending import BudgetWarning, Spending, reservations
from app.llm.usage import Usage
from app.settings import BudgetSettings
from app.stores.database import open_database


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    database = open_database(database_url)
    yield database
    database.dispose()


def usage(tokens: int, usd: float = 0.0) -> Usage:
    return Usage(input_tokens=tokens, cost_usd=usd)


def spend(spending: Spending, caller: str, tokens: int, usd: float) -> None:
    spending.settle(spending.reserve(caller, usage(tokens, usd)), "answer", "gpt", usage(tokens, usd))


def test_the_ledger_adds_up_by_key_feature_and_model(engine: Engine) -> None:
    spending = Spending(engine, BudgetSettings.model_validate({}))
    for caller, feature in [("anna", "answer"), ("anna", "answer"), ("anna", "rewrite"), ("ben", "answer")]:
        spending.settle(spending.reserve(caller, usage(50)), feature, "gpt", Usage(input_tokens=40, cost_usd=0.1))
    lines = spending.lines(datetime.now(UTC).date())
    assert [(line.caller, line.feature, line.calls, line.usd) for line in lines] == [
        ("anna", "answer", 2, 0.2),
        ("anna", "rewrite", 1, 0.1),
        ("ben", "answer", 1, 0.1),
    ]


def test_ten_cents_ten_times_are_one_dollar(engine: Engine) -> None:
    spending = Spending(engine, BudgetSettings.model_validate({"usd_per_day": 1.0}))
    for _ in range(10):
        spend(spending, "anna", 1, 0.1)
    assert spending.shares()["all"] == 1.0
    with pytest.raises(BudgetExceeded, match="The service has used up its money"):
        spend(spending, "anna", 1, 0.1)


@pytest.mark.parametrize(
    ("limits", "error", "told"),
    [
        ({"request_tokens": 99}, TooManyTokens, "100 tokens.*APP_BUDGET__REQUEST_TOKENS"),
        ({"request_usd": 0.4}, BudgetExceeded, "0.5000 USD.*APP_BUDGET__REQUEST_USD"),
        ({"key_tokens_per_day": 99}, TooManyTokens, "This key has used up its tokens"),
        ({"key_usd_per_day": 0.4}, BudgetExceeded, "This key has used up its money"),
        ({"tokens_per_day": 99}, TooManyTokens, "The service has used up its tokens"),
    ],
)
def test_each_limit_refuses_before_the_model_is_called(
    engine: Engine, limits: dict[str, float], error: type[Exception], told: str
) -> None:
    spending = Spending(engine, BudgetSettings.model_validate(limits))
    with pytest.raises(error, match=told):
        spending.reserve("anna", usage(100, 0.5))
    assert spending.shares() == {"key": 0.0, "all": 0.0}


def test_a_budget_whose_rest_is_too_small_for_a_call_counts_as_gone(engine: Engine) -> None:
    spending = Spending(engine, BudgetSettings.model_validate({"tokens_per_day": 100, "key_tokens_per_day": 1000}))
    spend(spending, "anna", 90, 0)
    assert (spending.shares()["all"], spending.gone("anna")) == (0.9, [])
    with pytest.raises(TooManyTokens):
        spending.reserve("anna", usage(20))
    assert spending.shares() == {"key": 0.09, "all": 1.0}
    assert [(warning.caller, warning.share) for warning in spending.gone("anna")] == [("*", 1.0)]


def test_what_a_request_did_not_use_is_given_back(engine: Engine) -> None:
    spending = Spending(engine, BudgetSettings.model_validate({"key_tokens_per_day": 100}))
    spending.settle(spending.reserve("anna", usage(100)), "answer", "gpt", usage(10))
    assert spending.shares()["key"] == 0.1
    spending.settle(spending.reserve("anna", usage(90)), "answer", "gpt", Usage())
    assert spending.shares()["key"] == 0.1


def test_one_key_does_not_use_up_the_budget_of_another(engine: Engine) -> None:
    spending = Spending(engine, BudgetSettings.model_validate({"key_tokens_per_day": 100}))
    spend(spending, "anna", 100, 0)
    spend(spending, "ben", 100, 0)
    with pytest.raises(TooManyTokens):
        spend(spending, "ben", 1, 0)


def test_many_at_once_never_overspend(engine: Engine) -> None:
    spending = Spending(engine, BudgetSettings.model_validate({"tokens_per_day": 100}))

    def attempt(n: int) -> bool:
        try:
            spend(spending, f"key-{n % 3}", 10, 0)
        except TooManyTokens:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(attempt, range(40)))
    assert granted.count(True) == 10
    assert spending.shares()["all"] == 1.0


def expire(engine: Engine) -> None:
    """Let time pass for everything that is set aside."""
    with engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        assert connection.execute(reservations.update().values(lapses_at=past)).rowcount


def test_what_a_killed_process_set_aside_is_given_back_once(engine: Engine) -> None:
    limits = BudgetSettings.model_validate({"key_tokens_per_day": 100})
    Spending(engine, limits).reserve("anna", usage(100))  # and never settled
    with pytest.raises(TooManyTokens):
        Spending(engine, limits).reserve("anna", usage(1))
    expire(engine)
    for _ in range(2):
        after = Spending(engine, limits)
        spend(after, "anna", 10, 0)
    assert after.shares()["key"] == 0.2


def test_a_call_that_outlasts_its_reservation_is_charged_in_full(engine: Engine) -> None:
    limits = BudgetSettings.model_validate({"key_tokens_per_day": 100})
    slow = Spending(engine, limits)
    reservation = slow.reserve("anna", usage(60))
    expire(engine)
    spend(Spending(engine, limits), "anna", 10, 0)
    slow.settle(reservation, "answer", "gpt", usage(50))
    assert slow.shares()["key"] == 0.6


def test_lapsed_reservations_are_looked_for_once_in_a_while_only(engine: Engine) -> None:
    limits = BudgetSettings.model_validate({"key_tokens_per_day": 100})
    spending = Spending(engine, limits)
    spend(spending, "anna", 1, 0)
    spending.reserve("anna", usage(99))
    expire(engine)
    with pytest.raises(TooManyTokens):
        spending.reserve("anna", usage(1))


def test_a_warning_comes_from_the_set_share_on(engine: Engine) -> None:
    spending = Spending(engine, BudgetSettings.model_validate({"tokens_per_day": 100, "alert_share": 0.8}))
    told = []
    for _ in range(10):
        told.append(spending.settle(spending.reserve("anna", usage(10)), "answer", "gpt", usage(10)))
    assert [[(warning.caller, warning.share) for warning in warnings] for warnings in told] == [
        *[[]] * 7,
        [("*", 0.8)],
        [("*", 0.9)],
        [("*", 1.0)],
    ]


class Webhook(BaseHTTPRequestHandler):
    received: ClassVar[list[dict[str, object]]] = []

    def do_POST(self) -> None:
        self.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_the_webhook_hears_each_warning_once_and_again_when_all_is_gone() -> None:
    Webhook.received.clear()
    today = date(2026, 11, 21)

    async def tell(url: str) -> None:
        alerts = BudgetAlerts(url)
        for share in (0.8, 0.9, 1.0, 1.0):
            alerts.tell([BudgetWarning(today, "*", share)])
        await asyncio.gather(*alerts._sending)

    with HTTPServer(("127.0.0.1", 0), Webhook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        asyncio.run(tell(f"http://127.0.0.1:{server.server_port}/budget"))
        server.shutdown()
    assert sorted(Webhook.received, key=lambda alert: str(alert["share"])) == [
        {"alert": "budget", "day": "2026-11-21", "caller": "*", "share": 0.8},
        {"alert": "budget", "day": "2026-11-21", "caller": "*", "share": 1.0},
    ]


def test_a_broken_webhook_costs_no_answer() -> None:
    async def tell() -> list[None]:
        alerts = BudgetAlerts("http://127.0.0.1:9/nobody")
        alerts.tell([BudgetWarning(date(2026, 11, 21), "*", 1.0)])
        return await asyncio.gather(*alerts._sending)

    with structlog.testing.capture_logs() as logs:
        assert asyncio.run(tell()) == [None]
    assert [entry["event"] for entry in logs] == ["budget", "budget webhook failed"]
