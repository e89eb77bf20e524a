"""Alarm rules: when does a level, or a silence, concern somebody?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tidewatch.readings import Reading
from tidewatch.settings import Settings


@dataclass(frozen=True)
class Alarm:
    """Something that a person must know: `kind` is LOW, HIGH or SILENT."""

    gauge: str
    kind: str
    at: datetime
    text: str


class AlarmRules:
    """Decides on alarms and keeps quiet about one that was just raised."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._raised: dict[tuple[str, str], datetime] = {}

    def check(self, reading: Reading) -> Alarm | None:
        """The alarm that this reading calls for, if any."""
        if reading.level < self._settings.low_level:
            return self._raise(reading.gauge, "LOW", reading.at, f"{reading.level:.2f} m: the stage falls dry")
        if reading.level > self._settings.high_level:
            return self._raise(reading.gauge, "HIGH", reading.at, f"{reading.level:.2f} m: the stage floods")
        return None

    def silence(self, gauge: str, now: datetime) -> Alarm | None:
        """The alarm for a gauge that sends nothing."""
        return self._raise(gauge, "SILENT", now, f"no reading for {self._settings.stale_minutes} minutes")

    def _raise(self, gauge: str, kind: str, at: datetime, text: str) -> Alarm | None:
        """Debounce: the same alarm of a gauge is raised once within the quiet time."""
        last = self._raised.get((gauge, kind))
        if last and at - last < timedelta(minutes=self._settings.quiet_minutes):
            return None
        self._raised[gauge, kind] = at
        return Alarm(gauge, kind, at, text)
