"""CPU of `new` against `copier copy`, wall time of `--help` of both: `python bench/generator.py [REPEATS]`.

Both make the same project from the same commit, interleaved, each time in a fresh folder. Printed: the medians and
the ratios (`new` at most 1.0; `--help` at most 0.65, which is half a second where `copier --help` takes 0.77 s).
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shipfolio import source

BIN = Path(sys.executable).parent
TEMPLATE = "rag-platform"


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """CPU and wall seconds of one command, its children included. Raises where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main(repeats: int) -> int:
    """Print the figures; exit code 1 where a bound is broken."""
    origin = source.find()
    figures: dict[str, list[float]] = {
        "shipfolio new": [],
        "copier copy (url)": [],
        "copier copy (path)": [],
        "shipfolio --help": [],
        "copier --help": [],
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        private = {**origin.environment(), "COPIER_CACHE_DIR": f"{folder}/cache"}
        copier = [
            str(BIN / "copier"),
            "copy",
            "--quiet",
            "--defaults",
            "-d",
            "project_name=bench",
            "-r",
            origin.ref,
        ]
        new = [
            str(BIN / "shipfolio"),
            "new",
            TEMPLATE,
            "--project-name",
            "bench",
            "--yes",
            "--no-git",
            "--no-lock",
        ]
        for turn in range(repeats + 1):
            turns = {
                "shipfolio new": measured([*new, f"{folder}/new{turn}"], {})[0],
                "copier copy (url)": measured([*copier, origin.url, f"{folder}/url{turn}"], private)[0],
                "copier copy (path)": measured([*copier, str(origin.location), f"{folder}/path{turn}"], {})[0],
                "shipfolio --help": measured([str(BIN / "shipfolio"), "--help"], {})[1],
                "copier --help": measured([str(BIN / "copier"), "--help"], {})[1],
            }
            for name, seconds in turns.items() if turn else ():  # the first turn warms caches
                figures[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    ratio = medians["shipfolio new"] / min(medians["copier copy (url)"], medians["copier copy (path)"])
    for name, seconds in medians.items():
        print(f"{name:<20} {seconds:6.3f} s {'wall' if name.endswith('--help') else 'CPU'} (median of {repeats})")
    print(f"ratio shipfolio new / cheaper copier copy: {ratio:.2f} (bound 1.00)")
    help_ratio = medians["shipfolio --help"] / medians["copier --help"]
    print(f"ratio shipfolio --help / copier --help: {help_ratio:.2f} (bound 0.65)")
    return 0 if ratio <= 1 and help_ratio <= 0.65 else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
