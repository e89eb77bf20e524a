"""The numbers that the runbook sends its reader to are there when the service is asked for them."""

import re
from pathlib import Path

from fastapi.testclient import TestClient

from tests.integration.uploads import upload

PAGES = "".join(Path(page).read_text() for page in ("docs/runbook.md", "docs/cost.md"))
METRICS = re.findall(r"`((?:answer|documents|evidence|http_server|ingestion|model|retrieval)[a-z]*_[a-z_]+)`", PAGES)


def test_every_metric_of_the_runbook_is_served(client: TestClient) -> None:
    upload(client, "tea.md", b"# Tea\n\nTea is served at four.\n")
    client.post("/v1/ask", json={"question": "When is tea served?"})
    exposition = client.get("/metrics").text
    assert len(METRICS) > 5
    assert [name for name in METRICS if f"\n{name}" not in exposition] == []
