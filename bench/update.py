"""CPU of `update` and its preview against `copier update`, wall time of `status`: `python bench/update.py [REPEATS]`.

All of them start from the same project of the first version with one edit of the learner, interleaved, each time in a
fresh copy, and go to the newest version; both updates must end with the same files. The versions are those that a
wheel of this commit carries, so a clone without tags has them too. Printed: the medians and the ratios (update at most
0.6, preview at most 1.0) and the quickest `shipfolio status` against the quickest `copier --help` (at most 1.25;
other work on the machine only ever adds to both). Python keeps compiled modules, as it does for every user.
"""

from __future__ import annotations

import filecmp
import os
import resource
import runpy
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shipfolio.answers import resolve
from shipfolio.create import Request, create
from shipfolio.questions import load
from shipfolio.source import Source

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
TEMPLATE = "rag-platform"
EDITED = "README.md"


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """CPU and wall seconds of one command, its children included. Raises where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def cloned(folder: Path) -> Source:
    """A clone of what is committed here, in which every version has its tag."""
    clone = folder / "shipfolio"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    runpy.run_path(str(ROOT / "hatch_build.py"))["name_versions"](clone)
    return Source(clone, "HEAD")


def made(origin: Source, folder: Path) -> tuple[Path, str]:
    """A committed project of the first version with an edit, and the commit of the newest version."""
    with origin.history() as history:
        first = Source(origin.location, history.versions[0], origin.url)
        answers = resolve(load(history.snapshot(first.ref).root), {"template": TEMPLATE, "project_name": "bench"})
        newest = history.archive(history.newest).commit
        print(f"{TEMPLATE} from {first.ref} to {history.newest}")
    project = folder / "made/bench"
    create(Request(TEMPLATE, project, answers, first, with_lock=False))
    with (project / EDITED).open("a", encoding="utf-8") as file:
        file.write("\nA line of the learner.\n")
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "mine"], cwd=project, check=True)
    return project, newest


def same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files, git's own apart."""
    compared = filecmp.dircmp(one, other, ignore=[".git"])
    if compared.left_only or compared.right_only or compared.funny_files or compared.diff_files:
        return compared.diff_files == [".copier-answers.yml"] and not compared.left_only + compared.right_only
    return all(same(one / name, other / name) for name in compared.common_dirs)


def main(repeats: int) -> int:
    """Print the figures; exit code 1 where a bound is broken."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        origin = cloned(folder)
        identity = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        os.environ.update(identity)
        ours = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        ours |= {"PYTHONPYCACHEPREFIX": f"{folder}/compiled", "PYTHONPATH": str(origin.location / "generator")}
        theirs = {**ours, **origin.environment(), "COPIER_CACHE_DIR": f"{folder}/cache"}
        project, newest = made(origin, folder)
        shipfolio, copier = [sys.executable, "-m", "shipfolio"], str(BIN / "copier")
        figures: dict[str, list[float]] = {
            "copier update": [],
            "update": [],
            "preview": [],
            "status": [],
            "status, CPU": [],
            "copier --help": [],
        }
        for turn in range(repeats + 1):
            copies = {kind: folder / f"{kind}{turn}/bench" for kind in ("copier update", "update", "preview", "status")}
            for copy in copies.values():
                shutil.copytree(project, copy, symlinks=True)
            plain = [copier, "update", "--defaults", "--quiet", "--skip-answered", "-r", newest]
            turns = {
                "copier update": measured([*plain, str(copies["copier update"])], theirs)[0],
                "update": measured([*shipfolio, "update", str(copies["update"])], ours)[0],
                "preview": measured([*shipfolio, "update", "--preview", str(copies["preview"])], ours)[0],
                "status": (looked := measured([*shipfolio, "status", str(copies["status"])], ours))[1],
                "status, CPU": looked[0],
                "copier --help": measured([copier, "--help"], theirs)[1],
            }
            if not same(copies["copier update"], copies["update"]):
                print("the two updates end with different files")
                return 1
            for kind, seconds in turns.items() if turn else ():  # the first turn warms caches
                figures[kind].append(seconds)
    return report(figures, repeats)


def report(figures: dict[str, list[float]], repeats: int) -> int:
    """Print medians, ratios and bounds; exit code 1 where one is broken."""
    medians = {kind: statistics.median(values) for kind, values in figures.items()}
    for kind, seconds in medians.items():
        unit = "wall" if kind in ("status", "copier --help") else "CPU"
        print(f"{kind:<14} {seconds:6.3f} s {unit} (median of {repeats})")
    update, preview = (medians[kind] / medians["copier update"] for kind in ("update", "preview"))
    status = min(figures["status"]) / min(figures["copier --help"])
    print(f"ratio update / copier update:  {update:.2f} (bound 0.60)")
    print(f"ratio preview / copier update: {preview:.2f} (bound 1.00)")
    print(f"ratio status / copier --help:  {status:.2f}, the quickest of both (bound 1.25)")
    print(f"status, the quickest:          {min(figures['status']):.2f} s wall (at most 0.50 on an idle machine)")
    return 0 if update <= 0.6 and preview <= 1 and status <= 1.25 else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
