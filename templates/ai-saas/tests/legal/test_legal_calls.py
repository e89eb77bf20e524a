"""The legal calls over HTTP: clauses, risks, comparison and search in one's own organisation, each with the notice."""

from collections.abc import Iterator

import anyio
import pytest
from jinja2 import Environment, FileSystemLoader

from app.ingestion.library import Library, Source
from app.legal.reports import DISCLAIMER, RiskReport, RiskShape
from app.legal.rules import Severity
from app.settings import Settings, StoreSettings
from app.stores.catalog import document_id
from app.workspace.flavour import chosen
from tests.integration.town import Person, Town, open_town

OLD, NEW = "contracts/hosting-2024.md", "contracts/hosting-2026.md"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service for all tests: they read, or add what no other test asks for."""
    folder = tmp_path_factory.mktemp("town")
    settings = Settings(store=StoreSettings(url=f"sqlite:///{folder}/app.db"))
    with open_town(settings, folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture(scope="module")
def acme(town: Town, ada: Person) -> str:
    """An organisation with two contracts."""
    organisation = ada.founds("Acme")
    library = Library(town.app.state.tenants.open(organisation))
    sources = [Source(name, (chosen().samples / name).read_bytes()) for name in (OLD, NEW)]
    anyio.run(library.add_batch, sources)
    return f"/v1/organisations/{organisation}/contracts"


def test_clauses_and_risks_of_a_contract(ada: Person, acme: str) -> None:
    contract = ada.gets(f"{acme}/{document_id(OLD)}/clauses")
    assert [clause["number"] for clause in contract["clauses"] if clause["number"]][:3] == ["1", "2", "3"]
    report = ada.gets(f"{acme}/{document_id(OLD)}/risks")
    assert report["risks"][0]["severity"] == "high"
    assert all(risk["quote"] in risk["clause"]["text"] for risk in report["risks"] if risk["clause"])
    assert contract["disclaimer"] == report["disclaimer"] == DISCLAIMER


def test_two_contracts_are_compared(ada: Person, acme: str) -> None:
    answer = ada.does("POST", f"{acme}/comparison", {"first": document_id(OLD), "second": document_id(NEW)})
    report = answer.json()
    assert answer.status_code == 200
    assert report["tally"]["added"] == 2
    assert report["tally"]["removed"] == 1
    assert "price-at-will" in [risk["rule"] for risk in report["risks_gone"]]
    assert report["disclaimer"] == DISCLAIMER


def test_a_clause_is_found_by_what_it_says(ada: Person, acme: str) -> None:
    report = ada.does("POST", f"{acme}/search", {"question": "credit for each hour below the availability"}).json()
    assert "Availability" in report["clauses"][0]["clause"]["title"]
    assert report["disclaimer"] == DISCLAIMER


def test_what_nobody_wrote_is_not_found(ada: Person, acme: str) -> None:
    report = ada.does("POST", f"{acme}/search", {"question": "zebra vaccination quarantine"}).json()
    assert report["clauses"] == []


@pytest.mark.parametrize("document", ["0" * 32, "x", "%00", "..%2F..%2Fetc"])
def test_an_unknown_contract_is_a_clear_problem(ada: Person, acme: str, document: str) -> None:
    for what in ("clauses", "risks"):
        answer = ada.does("GET", f"{acme}/{document}/{what}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [{}, {"first": "x", "second": "y"}, {"first": "0" * 32}, {"first": "0" * 32, "second": "0" * 32, "also": 1}],
    ids=["nothing", "no ids", "one", "a field too many"],
)
def test_a_bad_comparison_is_refused(ada: Person, acme: str, body: dict[str, object]) -> None:
    assert ada.does("POST", f"{acme}/comparison", body).status_code == 422


def test_another_organisation_sees_nothing_of_it(town: Town, acme: str) -> None:
    bob = town.person("bob")
    bobs = f"/v1/organisations/{bob.founds('Bobs')}/contracts"
    assert bob.does("GET", f"{acme}/{document_id(OLD)}/risks").status_code == 404
    assert bob.does("GET", f"{bobs}/{document_id(OLD)}/risks").status_code == 404
    assert bob.does("POST", f"{bobs}/search", {"question": "availability of the servers"}).json()["clauses"] == []


def test_a_page_shows_hostile_text_as_text() -> None:
    pages = Environment(loader=FileSystemLoader("app/web/templates"), autoescape=True)
    script = "<script>alert(1)</script>"
    risk = RiskShape(rule="r", title=script, severity=Severity.LOW, why="", remedy="", clause=None, quote=script)
    report = RiskReport(document=script, risks=[risk], rules=1, clauses=1)
    content = {"contracts": [], "report": report}
    page = pages.get_template("legal/risks.html").render(content=content, form={}, csrf="token")
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("tool", "form", "expected"),
    [
        ("clauses", {"question": "credit for each hour below the availability"}, "2 percent"),
        ("risks", {"contract": document_id(OLD)}, "One side may raise the price"),
        ("comparison", {"first": document_id(OLD), "second": document_id(NEW)}, "<ins>"),
    ],
)
def test_each_tool_has_a_page_with_the_notice(
    ada: Person, acme: str, tool: str, form: dict[str, str], expected: str
) -> None:
    page = f"/o/{acme.split('/')[3]}/tools/{tool}"
    empty = ada.http.get(page)
    filled = ada.http.post(page, data={**form, "csrf_token": ada.csrf})
    assert (empty.status_code, filled.status_code) == (200, 200)
    assert expected in filled.text
    assert expected not in empty.text
    assert DISCLAIMER in empty.text
    assert DISCLAIMER in filled.text


def test_a_page_tells_what_was_wrong_with_its_form(ada: Person, acme: str) -> None:
    page = f"/o/{acme.split('/')[3]}/tools/risks"
    answer = ada.http.post(page, data={"contract": "\0' OR 1=1", "csrf_token": ada.csrf})
    assert answer.status_code == 404
    assert "There is no such document." in answer.text
