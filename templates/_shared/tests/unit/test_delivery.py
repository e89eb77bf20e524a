"""A canary is promoted when it is as good, goes back when it is worse, and never stays half."""

import pytest

from delivery.commands import CommandFailed, run
from delivery.release import Bake, release
from delivery.verdict import Counts, Verdict, chance, decide

GOOD = Counts(requests=9000, errors=9, slow=90, answers=8000, refused=400)


@pytest.mark.parametrize(
    ("canary", "verdict", "told"),
    [
        pytest.param(Counts(1000, 1, 10, 900, 45), Verdict.PROMOTE, "errors: 1/1000", id="as good"),
        pytest.param(Counts(1000, 25, 10, 900, 45), Verdict.ROLL_BACK, "errors: 25/1000", id="more errors"),
        pytest.param(Counts(1000, 1, 60, 900, 45), Verdict.ROLL_BACK, "slow: 60/1000", id="slower"),
        pytest.param(Counts(1000, 1, 10, 900, 90), Verdict.ROLL_BACK, "refused: 90/900", id="more refusals"),
        pytest.param(Counts(1000, 6, 10, 900, 45), Verdict.PROMOTE, "errors: 6/1000", id="worse within the margin"),
        pytest.param(Counts(40, 5, 0, 40, 2), Verdict.ROLL_BACK, "12.5%", id="burns the budget, however few"),
        pytest.param(Counts(99, 0, 0, 99, 5), Verdict.WAIT, "only 99", id="too few to tell"),
        pytest.param(Counts(0, 0, 0, 0, 0), Verdict.WAIT, "only 0", id="no traffic"),
        pytest.param(Counts(1000, 1), Verdict.PROMOTE, "errors", id="a cloud that counts no answers"),
    ],
)
def test_the_verdict_follows_the_numbers(canary: Counts, verdict: Verdict, told: str) -> None:
    decision = decide(GOOD, canary)
    assert decision.verdict is verdict
    assert told in "; ".join(decision.reasons)


def test_the_chance_is_fishers() -> None:
    """R. A. Fisher's tea: all four cups right by chance, and at least three."""
    assert chance(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert chance(3, 4, 1, 4) == pytest.approx(17 / 70)
    assert chance(0, 10, 5, 10) == pytest.approx(1.0)


def test_equal_builds_are_rarely_sent_back() -> None:
    """Of all outcomes that two equal builds can have, those that send the canary back are together under 5 %."""
    bad, canary, stable = 60, 500, 4500
    sent_back = [
        chance(k, canary, bad - k, stable) - chance(k + 1, canary, bad - k - 1, stable)
        for k in range(bad)
        if decide(Counts(stable, bad - k), Counts(canary, k)).verdict is Verdict.ROLL_BACK
    ]
    assert 0 < sum(sent_back) < 0.05


class FakePlatform:
    """Remembers what was done to it, and counts as it is told."""

    def __init__(self, *canaries: Counts | Exception, migration: Exception | None = None) -> None:
        self._migration = migration
        self.done: list[str] = []
        self._canaries = list(canaries)

    def running(self) -> str:
        return "old"

    def migrate(self, stable: str, build: str) -> None:
        if self._migration:
            raise self._migration
        self.done.append(f"migrated to {build}")

    def start_canary(self, stable: str, canary: str, percent: int) -> None:
        self.done.append(f"{stable} {100 - percent} %, {canary} {percent} %")

    def serve(self, build: str) -> None:
        self.done.append(f"{build} alone")

    def counts(self, seconds: int) -> tuple[Counts, Counts]:
        canary = self._canaries.pop(0) if len(self._canaries) > 1 else self._canaries[0]
        if isinstance(canary, Exception):
            raise canary
        return GOOD, canary


FINE, BROKEN, QUIET = Counts(1000, 1, 10, 900, 45), Counts(200, 50, 0, 200, 10), Counts(3, 0, 0, 3, 0)
AT_ONCE = Bake(percent=10, seconds=0, every=0)
TWO_LOOKS = Bake(percent=10, seconds=120, every=60)


class Clock:
    """Time that passes only while one sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.release.time", Clock())


@pytest.mark.parametrize(
    ("canaries", "bake", "code", "last"),
    [
        pytest.param([FINE], AT_ONCE, 0, "new alone", id="promoted"),
        pytest.param([BROKEN], AT_ONCE, 1, "old alone", id="rolled back"),
        pytest.param([FINE, BROKEN], TWO_LOOKS, 1, "old alone", id="broken later"),
        pytest.param([QUIET, FINE], TWO_LOOKS, 0, "new alone", id="slow to get traffic"),
        pytest.param([QUIET], AT_ONCE, 3, "old alone", id="too little traffic"),
        pytest.param([CommandFailed("no metrics")], AT_ONCE, 3, "old alone", id="numbers that cannot be read"),
    ],
)
def test_a_release_ends_with_one_build(canaries: list[Counts], bake: Bake, code: int, last: str) -> None:
    platform = FakePlatform(*canaries)
    assert release(platform, "new", bake) == code
    assert platform.done == ["migrated to new", "old 90 %, new 10 %", last]


def test_a_failing_migration_ends_the_release_before_anything_was_changed() -> None:
    platform = FakePlatform(FINE, migration=CommandFailed("column exists"))
    with pytest.raises(CommandFailed, match="column exists"):
        release(platform, "new", AT_ONCE)
    assert platform.done == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_whatever_ends_a_release_the_stable_build_serves(stop: type[BaseException]) -> None:
    platform = FakePlatform(FINE)

    def counts(seconds: int) -> tuple[Counts, Counts]:
        raise stop

    platform.counts = counts  # type: ignore[method-assign]
    with pytest.raises(stop):
        release(platform, "new", AT_ONCE)
    assert platform.done[-1] == "old alone"


def test_the_running_build_is_not_released_again() -> None:
    platform = FakePlatform(FINE)
    assert release(platform, "old", AT_ONCE) == 0
    assert platform.done == []


def test_a_tool_that_fails_says_why() -> None:
    with pytest.raises(CommandFailed, match=r"`sh -c echo no >&2; exit 3` ended with 3: no"):
        run("sh", "-c", "echo no >&2; exit 3")
    with pytest.raises(CommandFailed, match="no-such-tool cannot be run"):
        run("no-such-tool")
