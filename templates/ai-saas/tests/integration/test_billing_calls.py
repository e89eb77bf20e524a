"""The HTTP calls on usage and billing, and webhooks: signature, replay, and nothing that answers 500."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine

pytest.importorskip("stripe", reason="STRIPE IS NOT TESTED: run `uv sync --extra stripe`")

from app.api.problems import install_problem_handlers
from app.billing.plans import Kind
from app.billing.routes import router, stripe_router
from app.billing.service import Billing
from app.billing.settings import BillingSettings
from app.billing.tables import stripe_customers
from app.organisations.access import Access, find_access
from app.tenancy.scope import OrganisationScope
from tests.integration.billing_setting import PLANS, PRICES, new_organisation, sqlite_database
from tests.integration.stripe_stub import SIGNER, signed, wire

CUSTOMER = "cus_1"
NOW = int(time.time())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with sqlite_database(tmp_path) as engine:
        yield engine


@pytest.fixture
def scope(engine: Engine) -> OrganisationScope:
    return new_organisation(engine)


@pytest.fixture
def billing(engine: Engine, scope: OrganisationScope) -> Billing:
    values = {"stripe_key": "sk_test_stub", "stripe_webhook_secret": SIGNER, "stripe_prices": PRICES}
    with engine.begin() as connection:
        connection.execute(stripe_customers.insert().values(organisation=scope.organisation, customer=CUSTOMER))
    return Billing(engine, BillingSettings.model_validate({**values, "stripe_url": "http://127.0.0.1:9"}), PLANS)


@pytest.fixture
def caller(billing: Billing, scope: OrganisationScope) -> Iterator[TestClient]:
    """Somebody who owns the organisation, with the calls of billing alone."""
    app = FastAPI()
    accounts = SimpleNamespace(base_url="http://127.0.0.1:8000")
    app.state.billing, app.state.audited = billing, []
    settings = SimpleNamespace(accounts=accounts, billing=BillingSettings.model_validate({}))
    app.state.platform = SimpleNamespace(settings=settings)
    app.state.audit = SimpleNamespace(write=lambda *what: app.state.audited.append(what))
    install_problem_handlers(app)
    for each in (router, stripe_router):
        app.include_router(each, prefix="/v1")
    platform: Any = None
    app.dependency_overrides[find_access] = lambda: Access(scope, platform, "user:1", "127.0.0.1")
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def path(scope: OrganisationScope, rest: str) -> str:
    return f"/v1/organisations/{scope.organisation}/{rest}"


def deliver(caller: TestClient, body: bytes, signature: str) -> tuple[int, Any]:
    answer = caller.post("/v1/webhooks/stripe", content=body, headers={"Stripe-Signature": signature})
    return answer.status_code, answer.json()


def test_the_usage_page_tells_how_the_organisation_stands(
    caller: TestClient, billing: Billing, scope: OrganisationScope
) -> None:
    billing.usage.take(scope, Kind.QUESTIONS, 4, "a")
    told = caller.get(path(scope, "usage")).json()
    assert told["plan"] == "free"
    assert told["standings"][0] == {
        "kind": "questions", "used": 4, "included": 5, "most": 5, "share": 0.8, "near": True,
    }  # fmt: skip
    assert (len(told["days"]), told["series"]["questions"][-1], sum(told["series"]["questions"])) == (30, 4, 4)


def test_the_plans_and_whether_money_is_taken(caller: TestClient, scope: OrganisationScope) -> None:
    told = caller.get(path(scope, "billing")).json()
    assert (told["plan"], told["payments"]) == ("free", True)
    assert [(plan["name"], plan["price"]) for plan in told["plans"]] == [("free", "0"), ("team", "30")]


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "1999-01", "2026-11-01", "now", "2026-11%0A"])
def test_what_is_no_month_has_no_invoice(caller: TestClient, scope: OrganisationScope, month: str) -> None:
    assert caller.get(path(scope, f"billing/invoices/{month}")).status_code == 422


def test_a_stripe_that_is_away_is_a_problem_with_a_remedy(caller: TestClient, scope: OrganisationScope) -> None:
    answer = caller.post(path(scope, "billing/plan"), json={"plan": "team"})
    assert (answer.status_code, answer.json()["title"]) == (503, "Payments unavailable")


@pytest.mark.parametrize("body", [{}, {"plan": "gold"}, {"plan": 5}, {"plan": "team", "price": 0}, {"plan": "a' OR 1"}])
def test_a_plan_cannot_be_made_up(caller: TestClient, scope: OrganisationScope, body: dict[str, Any]) -> None:
    assert caller.post(path(scope, "billing/plan"), json=body).status_code == 422


def test_a_signed_event_changes_the_plan_and_a_replay_changes_nothing(
    caller: TestClient, billing: Billing, scope: OrganisationScope
) -> None:
    bought = signed(wire("evt_1", "created", NOW, CUSTOMER, "price_team"))
    assert deliver(caller, *bought) == (200, {"applied": True})
    assert billing.subscriptions.plan(scope).name == "team"
    ended = signed(wire("evt_2", "deleted", NOW + 1, CUSTOMER, "price_team", status="canceled"))
    assert deliver(caller, *ended) == (200, {"applied": True})
    assert deliver(caller, *bought) == (200, {"applied": False})
    assert billing.subscriptions.plan(scope).name == "free"


EVENT = wire("evt_1", "created", NOW, CUSTOMER, "price_team")
BODY, SIGNATURE = signed(EVENT)
FORGED = {
    "another secret": signed(EVENT, signer="whsec_guessed"),
    "six minutes old": signed(EVENT, at=time.time() - 360),
    "another body": (BODY.replace(b"price_team", b"price_gold"), SIGNATURE),
    "another time": (BODY, SIGNATURE.replace("t=", "t=1")),
    "no scheme": (BODY, SIGNATURE.replace("v1=", "v0=")),
    "empty": (BODY, ""),
    "no numbers": (BODY, "t=now,v1=abc"),
    "only commas": (BODY, ",,,=,"),
    "no text at all": (b"\xff\xfe\x00", SIGNATURE),
}


@pytest.mark.parametrize("forged", FORGED)
def test_what_stripe_did_not_sign_is_refused(
    caller: TestClient, billing: Billing, scope: OrganisationScope, forged: str
) -> None:
    status, told = deliver(caller, *FORGED[forged])
    assert (status, told["title"]) == (401, "Unauthorized")
    assert billing.subscriptions.plan(scope).name == "free"


def test_a_webhook_without_a_signature_is_refused(caller: TestClient) -> None:
    assert caller.post("/v1/webhooks/stripe", content=BODY).status_code == 422


ODD: list[Any] = [
    [],
    {},
    {**EVENT, "id": ""},
    {**EVENT, "id": "x" * 1000},
    {**EVENT, "created": 10**30},
    {**EVENT, "created": -1},
    {**EVENT, "data": {}},
    {**EVENT, "data": {"object": {"items": 5}}},
]


@pytest.mark.parametrize("event", ODD, ids=range(len(ODD)))
def test_what_stripe_signed_but_nobody_can_read_is_no_defect_of_ours(caller: TestClient, event: Any) -> None:
    assert deliver(caller, *signed(event))[0] == 422
