"""One release from canary to everybody, or back: `python -m delivery.release BUILD --environment dev`.

A canary of BUILD gets a share of the traffic, is watched for as long as it bakes, and then takes all of it or none.
It goes back at once when it is worse, and also when it got too little traffic to tell, when its numbers cannot be
read, or when this command is stopped. Exit codes: 0 promoted · 1 rolled back · 3 rolled back, because nothing could
be decided.

Where the project has migrations, those of BUILD run before its canary; where they fail, the release ends there.
"""

import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Protocol

import typer

from delivery.commands import CommandFailed
from delivery.verdict import Counts, Decision, Verdict, decide

ROLLED_BACK, UNDECIDED = 1, 3


class Platform(Protocol):
    """Where the service runs: what a release does to it."""

    def running(self) -> str:
        """The stable build."""
        ...

    def migrate(self, stable: str, build: str) -> None:
        """Bring the database up to date with `build`, where the project has migrations, while `stable` goes on."""
        ...

    def start_canary(self, stable: str, canary: str, percent: int) -> None:
        """Give the canary its share of the traffic."""
        ...

    def serve(self, build: str) -> None:
        """Give this build all the traffic and take the canary away."""
        ...

    def counts(self, seconds: int) -> tuple[Counts, Counts]:
        """What the stable build and the canary did in the last seconds."""
        ...


@dataclass(frozen=True)
class Bake:
    """How a canary is watched."""

    percent: int
    seconds: float
    every: float


def release(platform: Platform, build: str, bake: Bake) -> int:
    """Try `build`, then promote it or roll it back; the exit code."""
    stable = platform.running()
    if stable == build:
        say(f"{build} is already the stable build.")
        return 0
    platform.migrate(stable, build)
    say(f"Canary: {build} gets {bake.percent} % of the traffic, {stable} the rest.")
    kept = False
    try:
        platform.start_canary(stable, build, bake.percent)
        decision = watch(platform, bake)
        if decision.verdict is Verdict.PROMOTE:
            say(f"Promoted: {build} gets all the traffic.")
            platform.serve(build)
            kept = True
    finally:
        if not kept:
            say(f"Rolled back: {stable} gets all the traffic.")
            platform.serve(stable)
    return 0 if kept else ROLLED_BACK if decision.verdict is Verdict.ROLL_BACK else UNDECIDED


def watch(platform: Platform, bake: Bake) -> Decision:
    """Look again and again until the time is over or the canary has to go; the last decision."""
    began = time.monotonic()
    while True:
        time.sleep(bake.every)
        passed = time.monotonic() - began
        try:
            decision = decide(*platform.counts(round(passed) + 1))
        except CommandFailed as error:
            decision = Decision(Verdict.WAIT, [f"the numbers cannot be read: {error}"])
        say(f"{passed:5.0f} s  {decision.verdict}: {'; '.join(decision.reasons)}")
        if decision.verdict is Verdict.ROLL_BACK or passed >= bake.seconds:
            return decision


def say(text: str) -> None:
    """A line for the log, as it happens."""
    print(text, flush=True)


def platform_of(environment: str) -> Platform:
    """The platform that this project was made for."""
    kind = "kubernetes:Kubernetes" if Path("deploy").is_dir() else "serverless:Serverless"
    opened: Platform = resolve_name(f"delivery.{kind}")(environment)
    return opened


def main(
    build: Annotated[str, typer.Argument(help="The image's tag: a commit that release.yml has published.")],
    environment: Annotated[str, typer.Option(help="`dev` or `prod`.")],
    percent: Annotated[int, typer.Option(min=1, max=50, help="Share of the traffic for the canary.")] = 10,
    minutes: Annotated[float, typer.Option(min=0, help="How long it bakes.")] = 30,
    every: Annotated[float, typer.Option(min=0, help="Seconds between two looks.")] = 60,
) -> None:
    """Release BUILD by a canary."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled workflow rolls back too
    try:
        code = release(platform_of(environment), build, Bake(percent, minutes * 60, every))
    except CommandFailed as error:
        print(f"Error: {error}", file=sys.stderr)
        code = ROLLED_BACK
    raise typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
