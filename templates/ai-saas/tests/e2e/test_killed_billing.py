"""Killed at any moment, billing loses nothing and charges nothing twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("stripe", reason="STRIPE IS NOT TESTED: run `uv sync --extra stripe`")

from app.billing.outbox import Delivery, Outbox
from app.billing.plans import Kind
from app.billing.subscriptions import Subscriptions
from app.billing.usage import Usage
from app.tenancy.scope import OrganisationScope, Role
from tests.e2e.killed_billing import CUSTOMER
from tests.integration.billing_contract import Listener, ledger
from tests.integration.billing_setting import PLANS, sqlite_database
from tests.integration.stripe_stub import stripe_stub


def test_metering_webhook_and_outbox_survive_a_kill_at_every_moment(tmp_path: Path) -> None:
    with stripe_stub() as stub:
        stub.remembers_keys = False  # so that only the identifier tells what was counted
        command = [sys.executable, "-m", "tests.e2e.killed_billing", str(tmp_path), stub.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)  # noqa: S603
    told = json.loads(done.stdout.splitlines()[-1])
    assert all(kills >= 4 for kills in told["kills"].values()), told
    scope = OrganisationScope(told["organisation"], "", Role.OWNER)
    with sqlite_database(tmp_path) as engine:
        assert ledger(engine, scope) == {Kind.QUESTIONS: 2}
        assert Usage(engine, PLANS).standing(scope)[Kind.QUESTIONS].used == 2
        assert Subscriptions(engine, PLANS).plan(scope).name == "team"
        assert Outbox(engine, Listener(), 0).deliver() == Delivery(reported=0, held=0), "nothing waits for anybody"
    assert stub.billed == 2, "each question that was answered is on the bill once"
    assert {form["payload[stripe_customer_id]"] for form in stub.metered.values()} == {CUSTOMER}
    asked = [form["identifier"] for path, form in stub.asked if path == "/v1/billing/meter_events"]
    assert len(asked) > len(set(asked)), "a process that was killed told Stripe again"
