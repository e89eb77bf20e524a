"""What holds for billing on every database."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.billing.outbox import CERTAIN, Backlog, Outbox
from app.billing.plans import Kind, QuotaReached
from app.billing.service import Billing
from app.billing.settings import BillingSettings
from app.billing.stripe_events import StripeEvent
from app.billing.tables import stripe_customers, usage_counters, usage_events
from app.billing.usage import Usage
from app.billing.webhooks import Webhooks
from app.tenancy.scope import OrganisationScope, of_organisation
from tests.integration.billing_setting import PLANS, PRICES, new_organisation
from tests.integration.stripe_stub import subscription

NOON = 1_764_000_000  # a moment by Stripe's clock
COLUMNS = usage_events.c


def ledger(engine: Engine, scope: OrganisationScope) -> dict[tuple[str, int], int]:
    """Quantity of each kind as (in the ledger, in the counters)."""
    with of_organisation(engine, scope.organisation).connect() as connection:
        mine = COLUMNS.organisation == scope.organisation
        total = sa.select(COLUMNS.kind, sa.func.sum(COLUMNS.quantity)).where(mine).group_by(COLUMNS.kind)
        counted = sa.select(usage_counters.c.kind, sa.func.sum(usage_counters.c.used)).where(
            usage_counters.c.organisation == scope.organisation
        )
        in_ledger = {kind: int(sum_) for kind, sum_ in connection.execute(total).all()}
        in_counter = {
            kind: int(sum_) for kind, sum_ in connection.execute(counted.group_by(usage_counters.c.kind)).all()
        }
    assert in_ledger == {kind: in_counter[kind] for kind in in_ledger}, "counters are the sums of the ledger"
    return in_ledger


class Listener:
    """Stands for Stripe where only the outbox is tested."""

    def __init__(self, refuses: str = "") -> None:
        self.told: list[tuple[str, int]] = []
        self.refuses = refuses

    def report(self, event: str, customer: str, quantity: int, happened_at: datetime) -> bool:
        self.told.append((customer, quantity))
        return customer != self.refuses


class BillingContract:
    """Subclasses have a fixture `engine`: an empty service database."""

    @pytest.fixture
    def usage(self, engine: Engine) -> Usage:
        return Usage(engine, PLANS)

    @pytest.fixture
    def scope(self, engine: Engine) -> OrganisationScope:
        return new_organisation(engine)

    def test_the_same_thing_counts_once(self, usage: Usage, scope: OrganisationScope, engine: Engine) -> None:
        assert [usage.take(scope, Kind.QUESTIONS, 1, key).used for key in ("a", "b", "a", "a")] == [1, 2, 2, 2]
        assert ledger(engine, scope) == {Kind.QUESTIONS: 2}

    def test_the_same_thing_counts_once_also_when_many_tell_of_it_at_once(
        self, usage: Usage, scope: OrganisationScope, engine: Engine
    ) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: usage.take(scope, Kind.QUESTIONS, 1, "a"), range(24)))
        assert ledger(engine, scope) == {Kind.QUESTIONS: 1}

    def test_the_quota_ends_where_the_plan_says(self, usage: Usage, scope: OrganisationScope, engine: Engine) -> None:
        for number in range(5):
            usage.take(scope, Kind.QUESTIONS, 1, str(number))
        with pytest.raises(QuotaReached, match="The plan Free allows 5 questions a month") as caught:
            usage.take(scope, Kind.QUESTIONS, 1, "one more")
        assert caught.value.helps == "team"
        assert ledger(engine, scope) == {Kind.QUESTIONS: 5}, "what was refused is not in the ledger"

    def test_more_than_the_whole_quota_at_once_is_refused(self, usage: Usage, scope: OrganisationScope) -> None:
        with pytest.raises(QuotaReached):
            usage.take(scope, Kind.STORAGE_BYTES, 1001, "large")
        assert usage.take(scope, Kind.STORAGE_BYTES, 1000, "just right").left == 0

    def test_the_soft_limit_warns_before_the_hard_one(self, usage: Usage, scope: OrganisationScope) -> None:
        near = [usage.take(scope, Kind.QUESTIONS, 1, str(number)).near for number in range(5)]
        assert near == [False, False, False, True, True]

    def test_one_organisation_does_not_use_up_the_quota_of_another(
        self, usage: Usage, scope: OrganisationScope, engine: Engine
    ) -> None:
        other = new_organisation(engine)
        usage.take(scope, Kind.QUESTIONS, 5, "a")
        assert usage.take(other, Kind.QUESTIONS, 1, "a").used == 1

    def test_several_kinds_are_taken_together_or_not_at_all(
        self, usage: Usage, scope: OrganisationScope, engine: Engine
    ) -> None:
        usage.take_together(scope, {Kind.DOCUMENTS: 1, Kind.STORAGE_BYTES: 600}, "a.pdf")
        with pytest.raises(QuotaReached, match="The plan Free allows 1 KB"):
            usage.take_together(scope, {Kind.DOCUMENTS: 1, Kind.STORAGE_BYTES: 600}, "b.pdf")
        assert ledger(engine, scope) == {Kind.DOCUMENTS: 1, Kind.STORAGE_BYTES: 600}

    def test_what_was_used_in_truth_replaces_the_guess(
        self, usage: Usage, scope: OrganisationScope, engine: Engine
    ) -> None:
        usage.take(scope, Kind.TOKENS, 900, "question")
        for _ in range(2):
            usage.settle(scope, Kind.TOKENS, 250, "question")
        assert ledger(engine, scope) == {Kind.TOKENS: 250}

    def test_what_was_never_taken_cannot_be_settled(
        self, usage: Usage, scope: OrganisationScope, engine: Engine
    ) -> None:
        usage.settle(scope, Kind.TOKENS, 250, "nobody asked")
        assert ledger(engine, scope) == {}

    def test_what_was_given_back_can_be_taken_again(
        self, usage: Usage, scope: OrganisationScope, engine: Engine
    ) -> None:
        for _ in range(3):
            usage.take(scope, Kind.DOCUMENTS, 2, "a.pdf")
            usage.give_back(scope, Kind.DOCUMENTS, "a.pdf")
        assert ledger(engine, scope) == {Kind.DOCUMENTS: 0}
        assert usage.take(scope, Kind.DOCUMENTS, 1, "b.pdf").used == 1

    def test_giving_back_at_once_gives_back_once(self, usage: Usage, scope: OrganisationScope, engine: Engine) -> None:
        usage.take(scope, Kind.QUESTIONS, 2, "kept")
        usage.take(scope, Kind.QUESTIONS, 3, "failed")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: usage.give_back(scope, Kind.QUESTIONS, "failed"), range(16)))
        assert ledger(engine, scope) == {Kind.QUESTIONS: 2}

    def test_a_negative_quantity_is_a_defect(self, usage: Usage, scope: OrganisationScope) -> None:
        with pytest.raises(ValueError, match="negative"):
            usage.take(scope, Kind.QUESTIONS, -1, "a gift")
        with pytest.raises(ValueError, match="negative"):
            usage.settle(scope, Kind.QUESTIONS, -1, "a gift")

    def test_a_new_month_begins_at_nothing_and_what_is_kept_stays(
        self, usage: Usage, scope: OrganisationScope, engine: Engine
    ) -> None:
        usage.take(scope, Kind.QUESTIONS, 5, "a")
        usage.take(scope, Kind.DOCUMENTS, 2, "a")
        with of_organisation(engine, scope.organisation).begin() as connection:
            connection.execute(
                usage_counters.update().where(usage_counters.c.kind == Kind.QUESTIONS).values(month="2025-01")
            )
        standing = usage.standing(scope)
        assert (standing[Kind.QUESTIONS].used, standing[Kind.DOCUMENTS].used) == (0, 2)

    def test_threads_never_sell_more_than_there_is(
        self, usage: Usage, scope: OrganisationScope, engine: Engine
    ) -> None:
        def attempt(number: int) -> bool:
            try:
                usage.take(scope, Kind.QUESTIONS, 1, str(number))
            except QuotaReached:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            granted = list(pool.map(attempt, range(40)))
        assert granted.count(True) == 5
        assert ledger(engine, scope) == {Kind.QUESTIONS: 5}

    def test_processes_never_sell_more_than_there_is(self, scope: OrganisationScope, engine: Engine) -> None:
        url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
        command = [sys.executable, "-m", "tests.integration.quota_racers", url, scope.organisation]
        told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
        granted = json.loads(told.stdout)
        assert sum(granted) == 5, granted
        assert ledger(engine, scope) == {Kind.QUESTIONS: 5}

    def test_an_upgrade_counts_at_once(self, usage: Usage, scope: OrganisationScope, engine: Engine) -> None:
        usage.take(scope, Kind.QUESTIONS, 5, "a")
        Billing(engine, BillingSettings.model_validate({}), PLANS).choose(scope, "team", "")
        standing = usage.take(scope, Kind.QUESTIONS, 7, "b")
        assert (standing.used, standing.left, standing.share) == (12, 18, 1.2)

    @pytest.fixture
    def apply(self, engine: Engine, scope: OrganisationScope) -> Callable[[StripeEvent], bool]:
        with engine.begin() as connection:
            connection.execute(stripe_customers.insert().values(organisation=scope.organisation, customer="cus_1"))
        return Webhooks(engine, PLANS, PRICES).apply

    def plan(self, engine: Engine, scope: OrganisationScope) -> str:
        return Billing(engine, BillingSettings.model_validate({}), PLANS).subscriptions.plan(scope).name

    def test_an_event_is_applied_once(
        self, apply: Callable[[StripeEvent], bool], engine: Engine, scope: OrganisationScope
    ) -> None:
        event = subscription("evt_1", "created", NOON, "cus_1", "price_team")
        with ThreadPoolExecutor(4) as pool:
            applied = list(pool.map(lambda _: apply(event), range(8)))
        assert applied.count(True) == 1
        assert self.plan(engine, scope) == "team"

    @pytest.mark.parametrize("late", [False, True], ids=["in order", "out of order"])
    def test_the_newest_news_wins_in_whatever_order_it_comes(
        self, apply: Callable[[StripeEvent], bool], engine: Engine, scope: OrganisationScope, late: bool
    ) -> None:
        bought = subscription("evt_1", "created", NOON, "cus_1", "price_team")
        ended = subscription("evt_2", "deleted", NOON + 60, "cus_1", "price_team", status="canceled")
        for event in [ended, bought] if late else [bought, ended]:
            apply(event)
        assert self.plan(engine, scope) == "free"

    @pytest.mark.parametrize("late", [False, True], ids=["in order", "out of order"])
    def test_events_of_one_second_stand_in_the_order_of_a_life(
        self, apply: Callable[[StripeEvent], bool], engine: Engine, scope: OrganisationScope, late: bool
    ) -> None:
        begun = subscription("evt_1", "created", NOON, "cus_1", "price_team", status="trialing")
        ended = subscription("evt_2", "deleted", NOON, "cus_1", "price_team", status="canceled")
        for event in [ended, begun] if late else [begun, ended]:
            apply(event)
        assert self.plan(engine, scope) == "free"

    @pytest.mark.parametrize(
        ("status", "plan"),
        [("active", "team"), ("trialing", "team"), ("past_due", "team"), ("incomplete", "free"), ("unpaid", "free")],
    )
    def test_only_a_paid_subscription_gives_its_plan(
        self, apply: Callable[[StripeEvent], bool], engine: Engine, scope: OrganisationScope, status: str, plan: str
    ) -> None:
        apply(subscription("evt_1", "updated", NOON, "cus_1", "price_team", status=status))
        assert self.plan(engine, scope) == plan

    def test_events_of_strangers_and_of_other_things_change_nothing(
        self, apply: Callable[[StripeEvent], bool], engine: Engine, scope: OrganisationScope
    ) -> None:
        assert apply(subscription("evt_1", "created", NOON, "cus_of_somebody_else", "price_team"))
        assert apply(subscription("evt_2", "created", NOON, "cus_1", "price_of_something_else"))
        paid = {"id": "evt_3", "type": "invoice.paid", "created": NOON, "data": {"object": {"items": "none"}}}
        assert apply(StripeEvent.model_validate(paid))
        assert self.plan(engine, scope) == "free"

    def test_the_outbox_tells_of_each_event_once(
        self, apply: Callable[[StripeEvent], bool], usage: Usage, engine: Engine, scope: OrganisationScope
    ) -> None:
        stripe = Listener()
        for number in range(3):
            usage.take(scope, Kind.QUESTIONS, 1, str(number))
        usage.take(scope, Kind.TOKENS, 100, "not sold")
        usage.take(scope, Kind.QUESTIONS, 1, "failed")
        usage.give_back(scope, Kind.QUESTIONS, "failed")
        usage.take(new_organisation(engine), Kind.QUESTIONS, 1, "of somebody who is no customer")
        outbox = Outbox(engine, stripe, settle_seconds=0)
        assert [outbox.deliver().reported for _ in range(2)] == [3, 0]
        assert stripe.told == [("cus_1", 1)] * 3
        assert outbox.backlog == Backlog()

    def test_an_event_that_may_still_change_is_not_told_of(
        self, apply: Callable[[StripeEvent], bool], usage: Usage, engine: Engine, scope: OrganisationScope
    ) -> None:
        usage.take(scope, Kind.QUESTIONS, 1, "young")
        assert Outbox(engine, Listener(), settle_seconds=600).deliver().reported == 0

    def test_what_stripe_was_told_of_is_not_changed_any_more(
        self, apply: Callable[[StripeEvent], bool], usage: Usage, engine: Engine, scope: OrganisationScope
    ) -> None:
        usage.take(scope, Kind.QUESTIONS, 1, "a")
        Outbox(engine, Listener(), settle_seconds=0).deliver()
        usage.give_back(scope, Kind.QUESTIONS, "a")
        assert ledger(engine, scope) == {Kind.QUESTIONS: 1}

    def test_what_stripe_does_not_take_is_held_for_a_person(
        self, apply: Callable[[StripeEvent], bool], usage: Usage, engine: Engine, scope: OrganisationScope
    ) -> None:
        stripe = Listener(refuses="cus_1")
        usage.take(scope, Kind.QUESTIONS, 1, "a")
        outbox = Outbox(engine, stripe, settle_seconds=0)
        assert [(outbox.deliver().held, len(stripe.told)) for _ in range(2)] == [(1, 1), (1, 1)]
        assert outbox.backlog.events == 1

    def test_what_waits_while_stripe_is_away_is_known(
        self, apply: Callable[[StripeEvent], bool], usage: Usage, engine: Engine, scope: OrganisationScope
    ) -> None:
        class Away:
            def report(self, event: str, customer: str, quantity: int, happened_at: datetime) -> bool:
                raise ConnectionError(event)

        for number in range(2):
            usage.take(scope, Kind.QUESTIONS, 1, str(number))
        outbox = Outbox(engine, Away(), settle_seconds=0)
        with pytest.raises(ConnectionError):
            outbox.deliver()
        assert outbox.backlog.events == 2
        assert 0 < outbox.backlog.age_seconds() < 60

    def test_what_may_have_been_told_long_ago_is_held_and_not_told_again(
        self, apply: Callable[[StripeEvent], bool], usage: Usage, engine: Engine, scope: OrganisationScope
    ) -> None:
        stripe = Listener()
        usage.take(scope, Kind.QUESTIONS, 1, "a")
        with of_organisation(engine, scope.organisation).begin() as connection:
            long_ago = datetime.now(UTC) - CERTAIN - timedelta(minutes=1)
            connection.execute(usage_events.update().values(tried_at=long_ago))
        assert Outbox(engine, stripe, settle_seconds=0).deliver().held == 1
        assert stripe.told == []
