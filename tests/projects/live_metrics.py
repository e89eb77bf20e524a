"""A real Prometheus that scrapes a service as the project's own configuration says, and the queries that must hold."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from .served_project import free_port, wait_until_alive

COMPARISON = re.compile(r"\s(?:==|>=|<=|>|<)\s")
MOST_ROUNDS = 20
OFFSET = re.compile(r"\boffset \d+[mhd]")


@contextmanager
def scraping(tools: Path, monitoring: Path, origin: str, folder: Path) -> Iterator[str]:
    """Prometheus with the configuration in `monitoring`, at `origin` every second; yields its own address.

    A day passes in a minute: what the rules look back by an offset, they look back by three seconds here.
    """
    shutil.copytree(monitoring, folder)
    config, rules = folder / "prometheus.yml", folder / "alerts.yml"
    config.write_text(config.read_text().replace("app:8000", urlsplit(origin).netloc).replace("15s", "1s"))
    rules.write_text(OFFSET.sub("offset 3s", rules.read_text()))
    address, log = f"127.0.0.1:{free_port()}", folder / "log"
    command = [str(tools / "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with log.open("wb") as output:
        server = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=output, stderr=output)
        try:
            wait_until_alive(f"http://{address}/-/ready", server, log)
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait(30)


def panel_queries(monitoring: Path) -> dict[str, str]:
    """Every query of every dashboard, by `file: panel, letter`, as Grafana sends it."""
    found = {}
    for path in sorted(monitoring.glob("dashboards/*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                name = f"{path.name}: {panel['title']}, {target['refId']}"
                found[name] = target["expr"].replace("$__rate_interval", "1m")
    return found


def alert_queries(monitoring: Path) -> dict[str, str]:
    """What each alert compares, by its name: differences in place of comparisons, which are empty while all is well."""
    groups = yaml.safe_load((monitoring / "alerts.yml").read_text("utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return {a["alert"]: OFFSET.sub("offset 3s", COMPARISON.sub(" - ", a["expr"])) for a in alerts}


def without_data(prometheus: str, queries: dict[str, str]) -> dict[str, str]:
    """The queries that return no number, each with the reason."""
    found = {}
    for name, query in queries.items():
        answer = ask(prometheus, query)
        numbers = [float(series["value"][1]) for series in answer.get("data", {}).get("result", [])]
        if not any(math.isfinite(number) for number in numbers):
            found[name] = answer.get("error") or f"{query.strip()} returns {numbers or 'nothing'}"
    return found


def work_until_seen(prometheus: str, monitoring: Path, work: Callable[[int], object]) -> None:
    """Do rounds of `work` until every panel and alert has data, or should have: at least four, at most twenty."""
    queries = {**panel_queries(monitoring), **alert_queries(monitoring)}
    for number in range(MOST_ROUNDS):
        work(number)
        time.sleep(1)  # a scrape
        if number >= 3 and not without_data(prometheus, queries):
            return


def ask(prometheus: str, query: str) -> dict[str, object]:
    """Prometheus' answer to one query; a query that it cannot read answers with an `error`."""
    try:
        with urllib.request.urlopen(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}") as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused)


def unhealthy_rules(prometheus: str) -> list[str]:
    """The rules that Prometheus could not evaluate."""
    with urllib.request.urlopen(f"{prometheus}/api/v1/rules") as answer:
        groups = json.load(answer)["data"]["groups"]
    return [f"{rule['name']}: {rule['lastError']}" for g in groups for rule in g["rules"] if rule["health"] == "err"]
