"""CPU per project of `cohort create`, against bare Jinja and `copier copy`: `python bench/cohort.py [--projects N]`.

The floor renders the same templates with bare Jinja and writes the files. All make the same projects from the same
commit, each as a process of its own with its start-up, in one run. Bounds: `cohort create` without git costs at most
3 times the floor and at most a fiftieth of `copier copy`; `cohort status` of a repository at most 0.025 and `check` at
most 0.32 of `copier copy`. Printed beside them: with git repositories, the memory, seconds on the clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shipfolio import source

BIN = Path(sys.executable).parent
TEMPLATE = "rag-platform"
COPIES = 3
COHORT = """\
template: rag-platform
choices: {provider: [openai, anthropic]}
roster: roster.csv
destination: %s/{id}
"""
MEMORY = Path("/dev/shm")  # ext4 takes up to 15 times as long for files made soon after others were removed
IDENTITY = {
    "GIT_AUTHOR_NAME": "Bench",
    "GIT_AUTHOR_EMAIL": "bench@example.com",
    "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@example.com",
}


@dataclass(frozen=True)
class Cost:
    """What a command took: processor seconds with its children, seconds on the clock, and its peak memory in MB."""

    cpu: float
    wall: float
    memory: float


def measured(command: list[str], cwd: Path, accept: tuple[int, ...] = (0,), **environment: str) -> Cost:
    """Run a command. Raises where it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **IDENTITY, **environment}, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accept:
            errors.seek(0)
            raise RuntimeError(f"{command} ended with {process.returncode}: {errors.read().decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.perf_counter() - start, usage.ru_maxrss / 1024)


def roster(count: int) -> Iterator[str]:
    """A roster with two kinds of answers."""
    yield "id,name,provider\n"
    for number in range(count):
        yield f"learner-{number:05d},Learner Number {number},{('openai', 'anthropic')[number % 2]}\n"


def floor(count: int, folder: Path) -> None:
    """Render every file of every project with bare Jinja, and write it. Compiled once, like any batch would."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from shipfolio.answers import resolve
    from shipfolio.expressions import Expressions
    from shipfolio.questions import load

    with source.find().snapshot() as snapshot:
        questions = load(snapshot.root)
        options = {key: value for key, value in questions.settings["_envops"].items() if key != "undefined"}
        environment = Environment(
            loader=FileSystemLoader(snapshot.root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            **options,
        )
        own = snapshot.root / "templates" / TEMPLATE
        rendered = {f"templates/_shared/{name}": name for name in questions.questions["shared_files"].default}
        static: dict[str, bytes] = {}
        for path in (path for path in own.rglob("*") if path.is_file() and "{=" not in path.name):
            name = path.relative_to(own).as_posix()
            if path.suffix == ".jinja":
                rendered[path.relative_to(snapshot.root).as_posix()] = name.removesuffix(".jinja")
            else:
                static[name] = path.read_bytes()
        expressions = Expressions(questions)
        for number in range(count):
            given = {
                "template": TEMPLATE,
                "author": f"Learner Number {number}",
                "project_name": f"learner-{number:05d}",
            }
            context: dict[str, object] = dict(resolve(questions, given))
            for question in questions.questions.values():
                if question.computed:
                    context[question.name] = expressions.default(question, context)
            for source_name, name in rendered.items():
                _write(folder / str(number) / name, environment.get_template(source_name).render(context).encode())
            for name, content in static.items():
                _write(folder / str(number) / name, content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main(count: int) -> int:
    """Print the figures; exit code 1 where a bound is broken."""
    origin = source.find()
    shipfolio = [str(BIN / "shipfolio"), "cohort"]
    with tempfile.TemporaryDirectory(prefix="bench-cohort-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        (folder / "roster.csv").write_text("".join(roster(count)), "utf-8")
        for kind in ("plain", "git"):
            (folder / f"{kind}.yml").write_text(COHORT % kind, "utf-8")
        bare = measured([sys.executable, __file__, "--floor", name, "--projects", str(count)], folder)
        plain = measured([*shipfolio, "create", "plain.yml", "--no-git", "--no-lock"], folder)
        with_git = measured([*shipfolio, "create", "git.yml", "--no-lock"], folder)
        copier = [str(BIN / "copier"), "copy", "--quiet", "--defaults", "-r", origin.ref, str(origin.location)]
        copies = sorted(measured([*copier, str(folder / f"copy{turn}")], folder).cpu for turn in range(COPIES))
        status = measured([*shipfolio, "status", "git.yml"], folder)
        command = [str(BIN / "shipfolio"), "check", "git/learner-00000"]
        check = min((measured(command, folder, accept=(3,)) for _ in range(COPIES)), key=lambda cost: cost.cpu)
    per_copy = copies[COPIES // 2]
    rows = [("bare Jinja and write (floor)", bare), ("cohort create --no-git", plain), ("cohort create", with_git)]
    print(f"{count} projects, CPU with start-up and children")
    for label, cost in rows:
        print(f"{label:<30} {1000 * cost.cpu / count:8.1f} ms per project, {cost.memory:4.0f} MB")
    print(f"{'copier copy':<30} {1000 * per_copy:8.1f} ms per project (median of {COPIES})")
    to_floor, to_copier = plain.cpu / bare.cpu, per_copy * count / plain.cpu
    print(f"cohort create --no-git: {to_floor:.2f} times the floor (bound 3), {to_copier:.0f} times cheaper (bound 50)")
    print(f"cohort create with git: {per_copy * count / with_git.cpu:.0f} times cheaper than copier copy without git")
    per_status = status.cpu / count
    print(f"cohort status: {status.wall:.1f} s for {count} repositories, {1000 * per_status:.0f} ms CPU each, ", end="")
    print(f"{per_status / per_copy:.3f} of copier copy (bound 0.025)")
    print(f"check of one repository: {check.wall:.2f} s, {check.cpu:.2f} s CPU, ", end="")
    print(f"{check.cpu / per_copy:.2f} of copier copy (bound 0.32)")
    held = to_floor <= 3, to_copier >= 50, per_status <= 0.025 * per_copy, check.cpu <= 0.32 * per_copy
    return 0 if all(held) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=100, metavar="N")
    parser.add_argument("--floor", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.floor:
        floor(given.projects, given.floor / "floor")
        raise SystemExit(0)
    raise SystemExit(main(given.projects))
