"""Readings of a gauge, and the lines in which gauges send them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tidewatch.errors import BadLine

LOWEST, HIGHEST = -5.0, 15.0


@dataclass(frozen=True)
class Reading:
    """A water level in metres above chart datum, measured at a time in UTC."""

    gauge: str
    at: datetime
    level: float


def parse_line(line: str) -> Reading:
    """A line such as `KIRKVO;2026-10-06T04:10Z;2.31;5A` as a reading; the last field is the checksum.

    Raises:
        BadLine: the fields, the checksum or the level make no sense.
    """
    try:
        gauge, time, level, check = line.strip().split(";")
        reading = Reading(gauge, datetime.fromisoformat(time).astimezone(UTC), float(level))
    except ValueError:
        raise BadLine(f"{line!r} is no reading.", "Look at the gauge's cable and its clock.") from None
    if checksum(line.rpartition(";")[0]) != check:
        raise BadLine(f"{line!r} has a wrong checksum.", "Radio noise; if it goes on, turn the antenna.")
    if not LOWEST <= reading.level <= HIGHEST:
        raise BadLine(f"{level} m is no water level.", "The float may be stuck.")
    return reading


def checksum(text: str) -> str:
    """The exclusive or of all bytes, as two hexadecimal digits."""
    value = 0
    for byte in text.encode():
        value ^= byte
    return f"{value:02X}"


def apply_offset(reading: Reading, centimetres: int) -> Reading:
    """The reading corrected by the zero of its gauge."""
    return Reading(reading.gauge, reading.at, round(reading.level + centimetres / 100, 2))
