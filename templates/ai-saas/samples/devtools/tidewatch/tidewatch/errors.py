"""Failures that an operator can mend: what happened and what helps."""


class TideError(Exception):
    """Base of all expected failures; `help` says what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class BadLine(TideError):
    """A gauge sent a line that is no reading."""


class UnknownGauge(TideError):
    """Nobody configured a gauge with this code."""
