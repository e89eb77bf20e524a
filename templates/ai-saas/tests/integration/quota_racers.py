"""Processes that all want the last questions of one organisation. Prints how many each of them got, as JSON.

Run as `python -m tests.integration.quota_racers DATABASE_URL ORGANISATION`. They begin together.
"""

import json
import os
import sys

from app.billing.plans import Kind, QuotaReached
from app.billing.usage import Usage
from app.tenancy.scope import OrganisationScope, Role
from tests.integration.billing_setting import PLANS, service_database

RACERS = 4
ATTEMPTS = 10


def main(url: str, organisation: str) -> None:
    """Start them, let them go, and add up."""
    gate, opened = os.pipe()
    results = [start(number, url, organisation, gate, opened) for number in range(RACERS)]
    os.close(gate)
    for ready, _ in results:
        os.read(ready, 1)
    os.close(opened)  # and with this everybody runs
    granted = []
    for told, racer in results:
        granted.append(int(os.read(told, 10)))
        os.waitpid(racer, 0)
    print(json.dumps(granted))


def start(number: int, url: str, organisation: str, gate: int, opened: int) -> tuple[int, int]:
    """A process that waits at the gate; where it tells that it is ready and what it got, and its id."""
    told, tell = os.pipe()
    if process := os.fork():
        os.close(tell)
        return told, process
    os.close(opened)
    with service_database(url) as engine:
        usage, scope = Usage(engine, PLANS), OrganisationScope(organisation, "", Role.MEMBER)
        usage.standing(scope)
        os.write(tell, b"!")
        os.read(gate, 1)
        got = sum(takes(usage, scope, f"{number}/{attempt}") for attempt in range(ATTEMPTS))
    os.write(tell, str(got).encode())
    os._exit(0)


def takes(usage: Usage, scope: OrganisationScope, key: str) -> bool:
    """Whether there was one left."""
    try:
        usage.take(scope, Kind.QUESTIONS, 1, key)
    except QuotaReached:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
