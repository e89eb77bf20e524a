"""The scores that must not drop, in `evals/baseline/`: changed by a decision alone, which is written down."""

import getpass
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.errors import CannotDecide, InvalidInput
from app.evals.records import RunResult, replace_file


@dataclass(frozen=True)
class Acceptance:
    """Who made the scores the baseline, when (UTC, ISO 8601), why, from which commit, and what the means were."""

    who: str
    when: str
    why: str
    commit: str
    means: dict[str, float]


@dataclass(frozen=True)
class Baseline:
    """The accepted scores by case and metric, and every decision that led to them, the last one last."""

    suite: str
    dataset: str
    offline: bool
    setup: dict[str, str]
    scores: dict[str, dict[str, float]]
    accepted: tuple[Acceptance, ...]


BASELINE = TypeAdapter(Baseline)


def baseline_path(folder: Path, suite: str, offline: bool) -> Path:
    """Offline runs and runs of a provider's model each have a baseline of their own."""
    return folder / "baseline" / f"{suite}-{'offline' if offline else 'live'}.json"


def read_baseline(path: Path) -> Baseline:
    """The accepted scores.

    Raises:
        CannotDecide: there are none, or the file is broken.
    """
    try:
        return BASELINE.validate_json(path.read_bytes())
    except FileNotFoundError:
        raise CannotDecide(
            f"There is no baseline {path}.", "`app eval run`, look, then `app eval accept --reason WHY`."
        ) from None
    except (OSError, ValidationError) as error:
        raise CannotDecide(f"{path} cannot be read: {error}", "Take it from git, or accept a run anew.") from None


def accept_run(path: Path, run: RunResult, why: str) -> Baseline:
    """Make the run the baseline and add the decision to those before it.

    Raises:
        InvalidInput: no reason.
        CannotDecide: the file is broken; it holds decisions that must not get lost.
    """
    if not why.strip():
        raise InvalidInput("A baseline changes only for a reason.", "Say it: --reason WHY.")
    means = {name: round(estimate.mean, 4) for name, estimate in run.estimates().items()}
    decision = Acceptance(_person(), datetime.now(UTC).isoformat(timespec="seconds"), why.strip(), run.commit, means)
    earlier = read_baseline(path).accepted if path.exists() else ()
    scores = {case.name: case.scores for case in run.cases}
    baseline = Baseline(run.suite, run.dataset, run.offline, run.setup, scores, (*earlier, decision))
    replace_file(path, BASELINE.dump_json(baseline, indent=1) + b"\n")
    return baseline


def _person() -> str:
    """The name that git would put under a commit, or else that of the account."""
    git = shutil.which("git")
    if git is None:
        return getpass.getuser()
    command = [git, "config", "user.name"]
    known = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    return known or getpass.getuser()
