"""Gauges on the harbour radio: a receiver writes their lines into a file that grows."""

from collections.abc import Iterator
from pathlib import Path

from tidewatch.errors import BadLine
from tidewatch.readings import Reading, parse_line


class RadioSource:
    """Follows the receiver's file from where it stopped reading last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self.dropped = 0

    def fetch(self) -> Iterator[Reading]:
        """New readings; lines that are broken are counted in `dropped`. A file that shrank is read anew."""
        if self._path.stat().st_size < self._position:
            self._position = 0
        with self._path.open(encoding="ascii", errors="replace") as opened:
            opened.seek(self._position)
            for line in iter(opened.readline, ""):
                try:
                    yield parse_line(line)
                except BadLine:
                    self.dropped += 1
            self._position = opened.tell()
