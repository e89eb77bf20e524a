"""A document read back over HTTP, as the search sees it."""

import asyncio

from fastapi.testclient import TestClient

from app.bootstrap import Platform
from app.ingestion.library import Library

TEA = b"# Tea\n\nServed at four.\n\n## Sugar\n\nTwo lumps, <b>never</b> three.\n"


def test_the_passages_of_a_document_come_in_reading_order(client: TestClient, platform: Platform) -> None:
    record = asyncio.run(Library(platform).add("tea.md", TEA))
    assert client.get(f"/v1/documents/{record.id}/passages").json() == [
        {"locator": "Tea", "text": "Served at four."},
        {"locator": "Tea > Sugar", "text": "Two lumps, <b>never</b> three."},
    ]


def test_an_unknown_document_has_none(client: TestClient) -> None:
    assert client.get("/v1/documents/unknown/passages").status_code == 404
