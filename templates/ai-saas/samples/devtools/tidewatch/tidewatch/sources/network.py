"""Gauges with an address: asked over HTTP, politely."""

from collections.abc import Iterator
from datetime import datetime
from urllib.request import urlopen

from tidewatch.readings import Reading, parse_line

TIMEOUT_SECONDS = 8
MAX_BYTES = 200_000


class NetworkSource:
    """Asks one gauge for all lines since the newest known one."""

    def __init__(self, address: str) -> None:
        if not address.startswith("http"):
            raise ValueError(f"{address!r} is no web address")
        self._address = address

    def fetch(self, since: datetime) -> Iterator[Reading]:
        """Readings after `since`; an answer larger than 200,000 bytes is cut off."""
        with urlopen(f"{self._address}?since={since.isoformat()}", timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            text = answer.read(MAX_BYTES).decode("ascii", "replace")
        yield from (parse_line(line) for line in text.splitlines() if line)
