"""The plan's end, the upgrade and the invoice, over HTTP through the whole service."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.billing.plans import Kind
from app.tenancy.scope import OrganisationScope, Role
from tests.integration.office import asks, at, limit, read_all, uploads
from tests.integration.town import Person, Town, local_settings, open_town

MONTH = f"{datetime.now(UTC):%Y-%m}"
INVOICE = f"billing/invoices/{MONTH}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder: Path = tmp_path_factory.mktemp("billing")
    with open_town(local_settings(folder), folder) as town:
        yield town


@pytest.fixture
def town(service: Town) -> Town:
    return service.for_another_test()


@pytest.fixture
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture
def acme(ada: Person) -> str:
    return ada.founds()


def test_who_reaches_the_end_upgrades_goes_on_and_sees_it_on_the_invoice(town: Town, ada: Person, acme: str) -> None:
    billing = town.app.state.billing
    sold = billing.usage._plans
    limit(town, questions=1, documents=5, storage_bytes=10_000, members=3)
    uploads(ada, acme)
    read_all(town, acme)
    assert [asks(ada, acme).status_code for _ in range(2)] == [200, 402]
    billing.usage._plans = sold
    assert ada.does("POST", at(acme, "billing/plan"), {"plan": "team"}).json() == {"url": None}
    assert asks(ada, acme).status_code == 200
    told = ada.gets(at(acme, INVOICE))
    titles = [line["title"] for line in told["lines"]]
    assert any(title.startswith("Plan Team") for title in titles), titles
    included = next(line for line in told["lines"] if line["title"] == "Questions included, of 2,000")
    assert (included["quantity"], told["final"]) == (2, False)
    assert ada.gets(at(acme, "usage"))["standings"][0]["used"] == 2


def test_the_invoice_is_what_the_lines_add_up_to(town: Town, ada: Person, acme: str) -> None:
    ada.does("POST", at(acme, "billing/plan"), {"plan": "team"})
    scope = OrganisationScope(acme, ada.id, Role.OWNER)
    town.app.state.billing.usage.take(scope, Kind.QUESTIONS, 2_100, "a busy day")
    told = ada.gets(at(acme, INVOICE))
    amounts = [round(100 * float(line["amount"])) for line in told["lines"]]
    assert sum(amounts) == round(100 * float(told["total"]))
    beyond = told["lines"][-1]
    assert (beyond["title"], beyond["quantity"], beyond["amount"]) == ("Questions beyond", 100, "1.50")


@pytest.mark.parametrize(
    ("role", "statuses"),
    [("viewer", [200, 403, 403, 403]), ("member", [200, 403, 403, 403]), ("admin", [200] * 3 + [403])],
)
def test_money_is_for_admins_to_see_and_for_owners_to_spend(
    town: Town, ada: Person, acme: str, role: str, statuses: list[int]
) -> None:
    member = town.joined(ada, acme, role)
    seen = [member.does("GET", at(acme, path)).status_code for path in ("usage", "billing", INVOICE)]
    assert [*seen, member.does("POST", at(acme, "billing/plan"), {"plan": "team"}).status_code] == statuses


def test_the_bill_of_another_organisation_does_not_exist(town: Town, ada: Person, acme: str) -> None:
    eve = town.person("eve")
    eve.founds("Eve's")
    seen = [eve.does("GET", at(acme, path)).status_code for path in ("usage", "billing", INVOICE)]
    assert [*seen, eve.does("POST", at(acme, "billing/plan"), {"plan": "team"}).status_code] == [404] * 4
    assert ada.gets(at(acme, "billing"))["plan"] == "free"


def test_without_stripe_there_is_neither_portal_nor_webhook(town: Town, ada: Person, acme: str) -> None:
    assert ada.does("POST", at(acme, "billing/portal")).status_code == 422
    assert ada.http.post("/v1/webhooks/stripe", content=b"{}").status_code == 404
