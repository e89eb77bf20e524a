"""The stage of a drill: each line is printed as it happens, and what does not happen ends the drill."""

import time
from collections.abc import Callable


class NotSeen(Exception):
    """The service did not behave as the runbook promises."""


class Stage:
    """Tells what happens, with the seconds since the drill began, and holds the service to its promises."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def act(self, title: str) -> None:
        """Begin the next part: how it was, the break, the recovery."""
        print(f"\n{title}", flush=True)

    def say(self, text: str) -> None:
        """Tell what was done."""
        print(f"  {time.monotonic() - self._began:5.1f} s  {text}", flush=True)

    def expect(self, promise: str, kept: bool, seen: object) -> None:
        """Tell what was promised and what was seen.

        Raises:
            NotSeen: the promise was broken.
        """
        self.say(f"{'ok' if kept else 'MISSING'}: {promise} ({seen})")
        if not kept:
            raise NotSeen(f"Expected: {promise}. Seen: {seen}.")

    def wait(self, promise: str, kept: Callable[[], bool], seconds: float = 8) -> None:
        """Wait until the promise is kept.

        Raises:
            NotSeen: it was not, within `seconds`.
        """
        began = time.monotonic()
        while not (done := kept()) and time.monotonic() - began < seconds:
            time.sleep(0.1)
        self.expect(promise, done, f"after {time.monotonic() - began:.1f} s")
