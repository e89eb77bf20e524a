"""The loop that polls every gauge, keeps what it sends and raises alarms."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tidewatch.alarms import AlarmRules
from tidewatch.notify import Notifier
from tidewatch.settings import Settings
from tidewatch.sources.network import NetworkSource
from tidewatch.sources.radio import RadioSource
from tidewatch.store import ReadingStore


class Watcher:
    """Wires sources, store, rules and notifier; one round looks at every gauge once."""

    def __init__(self, settings: Settings, sources: Mapping[str, RadioSource | NetworkSource]) -> None:
        self.store = ReadingStore(Path(settings.database))
        self.rules = AlarmRules(settings)
        self.notifier = Notifier(settings)
        self._settings = settings
        self._sources = sources
        self._recipients: list[str] = []

    def run_round(self) -> int:
        """Fetch from all gauges; one that fails does not stop the others. Returns how many readings were new."""
        new = 0
        for gauge, source in self._sources.items():
            try:
                readings = list(self._fetch(gauge, source))
            except OSError:
                continue
            new += self.store.add(readings)
            for alarm in filter(None, map(self.rules.check, readings)):
                self.notifier.send(alarm, self._recipients)
        self._look_for_silence()
        return new

    def run_forever(self) -> None:
        """Rounds with a pause between them, until the process is stopped."""
        while True:
            self.run_round()
            time.sleep(self._settings.poll_seconds)

    def _fetch(self, gauge: str, source: RadioSource | NetworkSource) -> list:
        if isinstance(source, RadioSource):
            return list(source.fetch())
        return list(source.fetch(self.store.latest(gauge).at))

    def _look_for_silence(self) -> None:
        now = datetime.now(UTC)
        for gauge in self.store.silent(self._sources, self._settings.stale_minutes, now):
            if alarm := self.rules.silence(gauge, now):
                self.notifier.send(alarm, self._recipients)
