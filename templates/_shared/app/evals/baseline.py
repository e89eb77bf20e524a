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


def read_baseline(path: Path, dataset: str | None = None) -> Baseline:
    """The accepted scores; with `dataset`, those of that version of the golden file alone.

    Raises:
        CannotDecide: there are none, the file is broken, or its scores are of other cases; with the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        baseline = BASELINE.validate_json(text)
    except FileNotFoundError:
        raise CannotDecide(
            f"There is no baseline {path}.", "`app eval run`, look, then `app eval accept --reason WHY`."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{part}: " for part in first["loc"])
        raise CannotDecide(f"{path}: {place}{first['msg']}.", "Take it from git, or accept a run anew.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotDecide(f"{path} cannot be read: {error}.", "Take it from git, or accept a run anew.") from None
    if dataset is not None and dataset != baseline.dataset:
        line = next((n for n, said in enumerate(text.splitlines(), start=1) if '"dataset"' in said), 1)
        raise of_other_cases(f"{path}:{line}: this baseline", baseline, dataset)
    return baseline


def of_other_cases(told: str, baseline: Baseline, dataset: str) -> CannotDecide:
    """What to say of a baseline that was accepted for other cases than those of `dataset`."""
    return CannotDecide(
        f"{told} is of golden set {baseline.dataset}, not of {dataset}.",
        "Run the evaluation on the old code with the new cases, look, then `app eval accept --reason WHY`.",
    )


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
