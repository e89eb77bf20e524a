"""The developers' calls over HTTP: an archive in, code found, an architecture explained, in one's own organisation."""

from collections.abc import Iterator

import anyio
import pytest
from httpx2 import Response
from jinja2 import Environment, FileSystemLoader

from app.devtools.reports import ArchitectureReport, FoundShape, ProofShape, StatementShape
from app.ingestion.library import Library, Source
from app.ingestion.sources import documents_in
from app.settings import Settings, StoreSettings
from app.workspace.flavour import chosen
from tests.devtools.archives import archive
from tests.integration.town import Person, Town, open_town


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
    """An organisation that has the sample repository."""
    organisation = ada.founds("Acme")
    library = Library(town.app.state.tenants.open(organisation))
    anyio.run(library.add_batch, [Source(n, file.read_bytes()) for n, file in documents_in([chosen().samples])])
    return f"/v1/organisations/{organisation}/repositories"


def sends(person: Person, path: str, name: str, data: bytes) -> Response:
    """Upload an archive as a page does."""
    headers = {"X-CSRF-Token": person.csrf}
    return person.http.post(path, data={"name": name}, files={"file": ("a.zip", data)}, headers=headers)


def test_an_archive_becomes_documents_that_are_to_be_read(ada: Person, acme: str) -> None:
    answer = sends(ada, acme, "bank", archive({"top/coins.py": b"x = 1\n", "top/logo.png": b"\x89PNG"}))
    assert answer.status_code == 202, answer.text
    report = answer.json()
    assert [file["name"] for file in report["files"]] == ["bank/coins.py"]
    assert report["left_out"] == {"of an unknown type": 1}
    documents = ada.gets(acme.replace("/repositories", "/documents"))
    assert "bank/coins.py" in str(documents)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bank", b"no zip"),
        ("bank", archive({"../x.py": b"x"})),
        ("../up", archive({"a.py": b"x"})),
        ("a/b", b""),
        ("", b""),
    ],
    ids=["no archive", "a name that climbs", "a repository that climbs", "a slash", "nothing"],
)
def test_a_bad_archive_is_a_clear_problem(ada: Person, acme: str, name: str, data: bytes) -> None:
    answer = sends(ada, acme, name, data)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_code_is_found_by_what_it_does(ada: Person, acme: str) -> None:
    found = ada.does("POST", f"{acme}/search", {"question": "checksum exclusive or of bytes", "kind": "py"}).json()[
        "found"
    ]
    assert found[0]["document"] == "tidewatch/tidewatch/readings.py"
    assert found[0]["quote"] in found[0]["text"]
    assert {piece["document"].rpartition(".")[2] for piece in found} == {"py"}


def test_the_architecture_is_explained_with_proofs(ada: Person, acme: str) -> None:
    report = ada.gets(f"{acme}/tidewatch/architecture")
    assert report["layers"][0][0] == "tidewatch/checks/layers.py"
    assert {"importer": "tidewatch/tidewatch/web.py", "imported": "tidewatch/tidewatch/store.py"} in report["imports"]
    assert all(statement["citations"] for statement in report["statements"] if statement["topic"] != "size")


@pytest.mark.parametrize("name", ["nothing", "%00", "..%2F..", "tidewatch%2Fdocs"])
def test_an_unknown_repository_is_a_clear_problem(ada: Person, acme: str, name: str) -> None:
    assert ada.does("GET", f"{acme}/{name}/architecture").status_code == 404


def test_another_organisation_sees_nothing_of_it(town: Town, acme: str) -> None:
    bob = town.person("bob")
    bobs = f"/v1/organisations/{bob.founds('Bobs')}/repositories"
    assert bob.does("GET", f"{acme}/tidewatch/architecture").status_code == 404
    assert bob.does("GET", f"{bobs}/tidewatch/architecture").status_code == 404
    assert bob.does("POST", f"{bobs}/search", {"question": "checksum exclusive or of bytes"}).json()["found"] == []


def test_pages_show_hostile_code_as_text() -> None:
    pages = Environment(loader=FileSystemLoader("app/web/templates"), autoescape=True)
    script = "<script>alert(1)</script>"
    piece = FoundShape(document=script, locator=script, name=script, text=script, quote=script, score=1)
    search = {"found": [piece], "kinds": {"": "all files"}}
    statement = StatementShape(topic="x", text=script, citations=[ProofShape(document="a", locator="b", quote=script)])
    report = ArchitectureReport(repository=script, statements=[statement], layers=[], imports=[])
    architecture = {"repositories": {script: 1}, "report": report}
    for template, content in (("devtools/search.html", search), ("devtools/architecture.html", architecture)):
        page = pages.get_template(template).render(content=content, form={}, csrf="token", may={"write": True})
        assert "<script>" not in page
        assert "alert(1)" in page


@pytest.mark.parametrize(
    ("tool", "form", "expected"),
    [
        ("code-search", {"question": "checksum exclusive or of bytes", "kind": "py"}, "function checksum"),
        ("code-search", {"question": "checksum exclusive or of bytes", "kind": "\0"}, "function checksum"),
        ("architecture", {"repository": "tidewatch"}, "is imported by"),
    ],
    ids=["search", "search in an odd kind", "architecture"],
)
def test_each_tool_has_a_page(ada: Person, acme: str, tool: str, form: dict[str, str], expected: str) -> None:
    page = f"/o/{acme.split('/')[3]}/tools/{tool}"
    empty = ada.http.get(page)
    filled = ada.http.post(page, data={**form, "csrf_token": ada.csrf})
    assert (empty.status_code, filled.status_code) == (200, 200)
    assert expected in filled.text
    assert expected not in empty.text


def test_the_page_of_the_architecture_takes_a_repository(town: Town, ada: Person, acme: str) -> None:
    organisation = acme.split("/")[3]
    page = f"/o/{organisation}/tools/architecture"
    assert f'action="{page}/files"' in ada.http.get(page).text
    archived = archive({"lamp.py": b"import os\n"})
    taken = sends(ada, f"{page}/files", "lamps", archived)
    assert (taken.status_code, taken.url.path) == (200, f"/o/{organisation}/documents")
    assert "Your files are being read." in taken.text
    assert "lamps/lamp.py" in taken.text
    refused = sends(ada, f"{page}/files", "lamps", b"no archive")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert 'role="alert"' in refused.text
    assert 'value="lamps"' in refused.text, "what was typed is still there"
    assert sends(town.joined(ada, organisation, "viewer"), f"{page}/files", "mine", archived).status_code == 403
