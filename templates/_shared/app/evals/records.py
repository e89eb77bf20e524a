"""What a run of the golden cases leaves behind: `latest.json` with every case, and a line in `history.jsonl`."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from pydantic import TypeAdapter, ValidationError

from app.errors import ConfigurationError
from app.evals.statistics import Estimate, estimate

LATEST = "latest.json"
HISTORY = "history.jsonl"
SERVED = " on the served index"  # how the name of a suite ends whose run was not on an index of its own
# Passages of other documents beside the right one, or other calls on the way, cost an outcome nothing by themselves.
HARMLESS = frozenset({"precision@k", "economy", "trajectory"})


@dataclass(frozen=True)
class Source:
    """One citation of an answer."""

    document: str
    locator: str
    quote: str


@dataclass(frozen=True)
class CaseResult:
    """One case: what was asked, expected and got, and the scores; a metric that does not apply is absent.

    `missing` says for each score that a judge could not give why; `counts` are what is told but not judged.
    """

    name: str
    kind: str
    critical: bool
    question: str
    expected: str
    got: str
    sources: tuple[Source, ...]
    scores: dict[str, float]
    latency_ms: float
    cost_usd: float
    missing: dict[str, str] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)

    @property
    def lost(self) -> dict[str, float]:
        """The scores below 1, without those that are harmless."""
        return {name: score for name, score in self.below.items() if name not in HARMLESS}

    @property
    def below(self) -> dict[str, float]:
        """Every score below 1."""
        return {name: score for name, score in self.scores.items() if score < 1}


@dataclass(frozen=True)
class Percentiles:
    """How a measure spreads over the cases."""

    mean: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class RunSummary:
    """One line of the history. `dataset` is the version of the golden file, `setup` what the numbers depend on.

    `verdict` is what the gate said of the run, empty where there was no baseline.
    """

    suite: str
    when: str
    commit: str
    dataset: str
    offline: bool
    setup: dict[str, str]
    cases: int
    metrics: dict[str, Estimate]
    latency_ms: Percentiles
    cost_usd: Percentiles
    verdict: str = ""


@dataclass(frozen=True)
class RunResult:
    """One run of a suite; `when` is UTC in ISO 8601, `commit` is empty outside a git repository."""

    suite: str
    when: str
    commit: str
    dataset: str
    offline: bool
    setup: dict[str, str]
    cases: tuple[CaseResult, ...]

    def estimates(self) -> dict[str, Estimate]:
        """Mean and interval of each metric over the cases it applies to."""
        names = list(dict.fromkeys(name for case in self.cases for name in case.scores))
        return {n: estimate([case.scores[n] for case in self.cases if n in case.scores]) for n in names}

    def counted(self) -> dict[str, float]:
        """The mean of each count over the cases that have it."""
        names = list(dict.fromkeys(name for case in self.cases for name in case.counts))
        return {n: fmean([case.counts[n] for case in self.cases if n in case.counts]) for n in names}

    def summary(self) -> RunSummary:
        """The run without its cases."""
        return RunSummary(
            self.suite,
            self.when,
            self.commit,
            self.dataset,
            self.offline,
            self.setup,
            len(self.cases),
            self.estimates(),
            percentiles([case.latency_ms for case in self.cases]),
            percentiles([case.cost_usd for case in self.cases]),
        )


RUN = TypeAdapter(RunResult)
SUMMARY = TypeAdapter(RunSummary)


def percentiles(values: Sequence[float]) -> Percentiles:
    """Mean, median, 95th and 99th percentile, interpolated; zeros for no values."""
    p50, p95, p99 = np.percentile(values, [50, 95, 99]) if values else (0, 0, 0)
    return Percentiles(float(np.mean(values)) if values else 0.0, float(p50), float(p95), float(p99))


def write_run(folder: Path, run: RunResult, verdict: str = "") -> None:
    """Replace `latest.json` in one step and add the run to the history, with what the gate says of it."""
    replace_file(folder / LATEST, RUN.dump_json(run, indent=2))
    add_to_history(folder, run, verdict)


def add_to_history(folder: Path, run: RunResult, verdict: str) -> None:
    """Add the run to the history, with what the gate says of it."""
    with (folder / HISTORY).open("ab") as history:
        history.write(SUMMARY.dump_json(replace(run.summary(), verdict=verdict)) + b"\n")


def read_latest(folder: Path) -> RunResult | None:
    """The last run that was written, if there is one.

    Raises:
        ConfigurationError: the file is not what this version writes.
    """
    path = folder / LATEST
    try:
        return RUN.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", "`make eval` writes it anew.") from None


def read_history(folder: Path) -> tuple[list[RunSummary], int]:
    """Every run of the history, oldest first, and how many of its lines could not be read."""
    path = folder / HISTORY
    lines = path.read_bytes().splitlines() if path.is_file() else []
    runs: list[RunSummary] = []
    unread = 0
    for line in filter(None, map(bytes.strip, lines)):
        try:
            runs.append(SUMMARY.validate_json(line))
        except ValidationError:
            unread += 1
    return runs, unread


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(content)
    draft.replace(path)


def current_commit() -> str:
    """The commit of the working tree, `-dirty` when it has changes; empty without git or a repository."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
