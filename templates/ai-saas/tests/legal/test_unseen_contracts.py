"""What is said of the risk rules on contracts that they were not written for is what they do there."""

import asyncio
from pathlib import Path

import yaml

from app.bootstrap import Platform
from app.ingestion.library import Library, Source
from app.legal.contracts import read_contract
from app.legal.risks import risks
from app.stores.catalog import document_id
from app.workspace.flavour import chosen

UNSEEN = Path("evals/unseen/legal")


def test_the_page_tells_what_the_rules_find_in_unseen_contracts(platform: Platform) -> None:
    chosen()
    labelled: dict[str, list[str]] = yaml.safe_load((UNSEEN / "findings.yaml").read_text())
    asyncio.run(Library(platform).add_batch([Source(name, (UNSEEN / name).read_bytes()) for name in labelled]))
    wanted = {(name, rule) for name, rules in labelled.items() for rule in rules}
    fired = {
        (name, risk.rule.name)
        for name in labelled
        for risk in risks(read_contract(platform, document_id(name)).clauses)
    }
    told = f"found {len(fired & wanted)} of {len(wanted)} risks, and {len(fired - wanted)} that are none"
    assert told in Path("evals/README.md").read_text()
