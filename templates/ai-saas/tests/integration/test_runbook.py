"""The runbook's commands work as printed, and what it, the alerts and the dashboards look at is there."""

import json
import re
import shlex
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from app.cli import cli
from app.llm.spending import ledger
from tests.integration.office import asks, read_all, uploads
from tests.integration.town import Town, local_settings, open_town

RUNBOOK = Path("docs/runbook.md").read_text("utf-8")
TYPED = re.findall(r"^uv run (.+)$", RUNBOOK, re.MULTILINE)
METRICS = re.findall(r"`((?:organisation|feature|billing|ingestion)_[a-z_]+)`", RUNBOOK)
ALERTS = re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", RUNBOOK)
GROUPS = yaml.safe_load(Path("monitoring/alerts.yml").read_text("utf-8"))["groups"]
BOARDS = [json.loads(path.read_text("utf-8")) for path in sorted(Path("monitoring/dashboards").glob("*.json"))]
QUERIES = [target["expr"] for board in BOARDS for panel in board["panels"] for target in panel["targets"]]
RULES = [rule for group in GROUPS for rule in group["rules"]]
SERIES = re.compile(r"\b([a-z]+(?:_[a-z]+)+)(?=[{\[)\s]|$)")  # not recorded ones, which have colons
WORDS = {"histogram_quantile", "group_left", "min_over_time", "clamp_min"}
SEEN_WITH_A_PROVIDER = re.compile(r"^(gen_ai_|model_|answer_(support|scorings|first_text)|retrieval_precision)")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, str]]:
    """A town in which somebody asked and a provider was paid, and what /metrics said afterwards."""
    folder = tmp_path_factory.mktemp("town")
    with open_town(local_settings(folder), folder) as town:
        ada = town.person("ada")
        acme = ada.founds()
        uploads(ada, acme)
        read_all(town, acme)
        asks(ada, acme)
        spent = {"day": datetime.now(UTC).date(), "caller": acme, "feature": "answer", "model": "openai:gpt-5-mini"}
        amounts = {"calls": 1, "input_tokens": 700, "output_tokens": 90, "nano_usd": 1_000_000}
        with town.app.state.tenants.engine.begin() as connection:
            connection.execute(ledger.insert().values(**spent, **amounts))
        yield town, ada.http.get("/metrics").text


def test_every_command_of_the_runbook_works_as_printed(
    served: tuple[Town, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    town, _ = served
    monkeypatch.setenv("APP_STORE__URL", town.app.state.platform.settings.store.url)
    made = CliRunner().invoke(cli, ["keys", "create", "on-call"])
    assert made.exit_code == 0
    listed = CliRunner().invoke(cli, ["keys", "list"]).stdout
    identifier = re.findall(r"\b[0-9a-f]{8,}\b", listed)[0]
    commands = [words[1:] for words in map(shlex.split, TYPED) if words[0] == "app"]
    assert ["migrate"] in commands
    for command in commands:
        done = CliRunner().invoke(cli, [identifier if word == "ID" else word for word in command])
        assert done.exit_code == 0, (command, done.output)


def test_the_backup_of_the_runbook_holds_every_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [words[2] for words in map(shlex.split, TYPED) if words[:2] == ["python", "-c"]]
    for name in ("app.db", "organisations/0123/data.db"):
        file = tmp_path / "var" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE kept AS SELECT 7 AS number")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "runbook", "exec"), {})  # noqa: S102 - the line that a person would type
    saved = sorted(path.name for path in Path("backup").iterdir())
    assert saved == ["app.db", "organisations-0123-data.db"]
    assert sqlite3.connect(Path("backup") / saved[1]).execute("SELECT number FROM kept").fetchone() == (7,)


def test_what_the_runbook_sends_its_reader_to_exists(served: tuple[Town, str]) -> None:
    assert len(METRICS) >= 4
    assert [name for name in METRICS if f"\n{name}{{" not in served[1]] == []
    assert len(ALERTS) >= 3
    assert set(ALERTS) <= {rule.get("alert") for rule in RULES}


def test_alerts_and_dashboards_look_at_series_that_the_service_has(served: tuple[Town, str]) -> None:
    found = {query: lacking(query, served[1]) for query in {*QUERIES, *(rule["expr"] for rule in RULES)}}
    assert {query: lost for query, lost in found.items() if lost} == {}


@pytest.mark.parametrize(
    ("query", "lost"),
    [
        ("max by (feature) (feature_cost)", {"feature_cost"}),
        ('rate(http_server_request_duration_seconds_count{http_route="/v1/ask"}[5m])', {"/v1/ask"}),
    ],
)
def test_a_query_for_what_is_not_there_is_found(served: tuple[Town, str], query: str, lost: set[str]) -> None:
    assert lacking(query, served[1]) == lost


def lacking(query: str, exposition: str) -> set[str]:
    """The series and routes of a query that the service does not tell of."""
    named = set(SERIES.findall(re.sub(r"\{.*?\}|\b(?:by|on) \(.*?\)", " ", query))) - WORDS
    series = {name for name in named if f"\n{name}{{" not in exposition and not SEEN_WITH_A_PROVIDER.search(name)}
    routes = set(re.findall(r'http_route="([^"]+)"', query))
    return series | {route for route in routes if f'http_route="{route}"' not in exposition}
