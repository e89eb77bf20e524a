"""Search names every paper that speaks about a thing; a summary rests on them alone and can be taken away."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import Platform
from app.research.flavour import FLAVOUR
from app.research.search import MOST_PER_DOCUMENT, find
from app.research.summary import NOTHING, summarise
from app.settings import Settings
from app.tenancy.tenants import Tenants
from app.workspace.evaluation import ingest_samples
from tests.integration.office import at, read_all, uploads
from tests.integration.town import Person, Town, open_town

PAPER = (
    "---\ntitle: Shade in Oste\nauthors: Ada Moll\nyear: 2022\nvenue: Shade\n---\n"
    "# Shade\n\nTrees cooled Oste by 3.3 °C.\n"
)


@pytest.fixture
def papers(platform: Platform) -> Platform:
    """The samples, read."""
    asyncio.run(ingest_samples(platform, FLAVOUR))
    return platform


def test_a_search_groups_passages_by_paper(papers: Platform) -> None:
    found = asyncio.run(find(papers, "cooling by street trees"))
    names = [each.document for each in found.documents]
    assert len(names) == len(set(names))
    assert {"trees/brennock-street-trees.md", "trees/irrigation-dorrin-valley.md"} <= set(names[:4])
    assert all(1 <= len(each.passages) <= MOST_PER_DOCUMENT for each in found.documents)
    assert found.documents[0].reference.endswith(".")


def test_a_search_can_ask_for_a_year(papers: Platform) -> None:
    found = asyncio.run(find(papers, "cooling", {"year": "2024"}))
    assert {each.document for each in found.documents} <= {
        "trees/brennock-street-trees.md",
        "roofs/white-paint-comparison.md",
        "health/heat-deaths-albona.md",
    }
    assert found.documents


def test_a_summary_quotes_each_paper_from_itself(papers: Platform) -> None:
    summary = asyncio.run(summarise(papers, "green roofs with sedum", "somebody"))
    assert len(summary.entries) >= 2
    for entry in summary.entries:
        assert {citation.document for citation in entry.citations} == {entry.source.document}
    assert summary.offline


def test_a_summary_is_written_as_markdown_and_bibtex(papers: Platform) -> None:
    summary = asyncio.run(summarise(papers, "cool pavement and glare", "somebody"))
    text = summary.markdown()
    assert text.startswith("# cool pavement and glare\n")
    assert "## Cool pavement and what pedestrians say about glare" in text
    assert "- Tomasz Gorski and Amina Farah (2022). Cool pavement" in text
    assert "@article{gorski2022cool," in summary.bibtex()


def test_what_no_paper_speaks_about_is_not_summarised(papers: Platform) -> None:
    summary = asyncio.run(summarise(papers, "desalination membranes for seawater", "somebody"))
    assert summary.entries == []
    assert NOTHING in summary.markdown()
    assert summary.bibtex() == ""


@pytest.fixture
def town(settings: Settings, tmp_path: Path) -> Iterator[Town]:
    with open_town(settings, tmp_path) as opened:
        yield opened


@pytest.fixture
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture
def acme(town: Town, ada: Person) -> str:
    organisation = ada.founds("Acme")
    assert uploads(ada, organisation, "shade.md", PAPER).status_code == 202
    read_all(town, organisation)
    return organisation


def test_the_calls_answer_from_the_organisations_papers(ada: Person, acme: str) -> None:
    found = ada.does("POST", at(acme, "search"), {"text": "trees cooled Oste"}).json()
    assert [each["document"] for each in found["documents"]] == ["shade.md"]
    summary = ada.does("POST", at(acme, "summaries"), {"text": "trees cooled Oste"}).json()
    assert summary["entries"][0]["source"]["title"] == "Shade in Oste"
    markdown = ada.does("POST", at(acme, "summaries?format=markdown"), {"text": "trees cooled Oste"})
    assert markdown.headers["content-type"].startswith("text/markdown")
    assert "3.3 °C" in markdown.text
    assert ada.http.get(at(acme, "references")).text.startswith("@article{moll2022shade,")


def test_another_organisation_finds_nothing_of_it(town: Town, acme: str) -> None:
    eve = town.person("eve")
    own = eve.founds("Evil")
    for path, method in (("search", "POST"), ("summaries", "POST"), ("references", "GET")):
        body = {"text": "trees cooled Oste"} if method == "POST" else None
        assert eve.does(method, at(acme, path), body).status_code == 404
    assert eve.does("POST", at(own, "search"), {"text": "trees cooled Oste"}).json()["documents"] == []
    assert eve.http.get(at(own, "references")).text == ""


@pytest.mark.parametrize("page", ["search", "summary"])
def test_the_page_of_a_tool_shows_its_result(ada: Person, acme: str, page: str) -> None:
    address = f"/o/{acme}/tools/{page}"
    assert ada.http.get(address).status_code == 200
    shown = ada.http.post(address, data={"csrf_token": ada.csrf, "text": "trees cooled Oste"})
    assert "Trees cooled Oste by 3.3 °C." in shown.text


def test_a_tenants_platform_writes_with_the_products_prompts(town: Town, acme: str) -> None:
    tenants: Tenants = town.app.state.tenants
    summary = asyncio.run(summarise(tenants.open(acme), "trees cooled Oste", "somebody"))
    assert summary.prompt_version == "research-summary@1"
