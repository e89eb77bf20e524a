"""The `run:` steps of one job of a GitHub workflow, executed on this machine as the runner would.

Real shells, real GITHUB_OUTPUT, GITHUB_ENV and GITHUB_STEP_SUMMARY files. Actions (`uses:`) are not run: the machine
must bring what they would, and an action that is not in PROVIDED fails the test. Nor is anything installed as root:
the program that a package brings must be on the search path. Expressions are taken from a table
of the few that our workflows use, so a new one fails loudly too.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PROVIDED = {"actions/checkout", "astral-sh/setup-uv"}  # git and uv are on this machine
PACKAGES = {"prometheus": "promtool"}  # what a workflow installs as root, and the program that it wants from it
INSTALLING = re.compile(r"^sudo apt-get .* (\S+)$")
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass
class Job:
    """One job in a project's folder, with the values of its expressions (`matrix.python`, …)."""

    workflow: Path
    name: str
    values: dict[str, str]
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def run(self, project: Path, scratch: Path, path: str) -> None:
        """Run every step in order; the first one that fails raises AssertionError with its output."""
        job = yaml.safe_load(self.workflow.read_text("utf-8"))["jobs"][self.name]
        environment = {**os.environ, "CI": "true", "PATH": path, **self._filled(job.get("env", {}))}
        for step in job["steps"]:
            if "uses" in step:
                assert step["uses"].split("@")[0] in PROVIDED, f"this machine does not stand in for {step['uses']}"
                continue
            if installing := INSTALLING.match(step["run"]):
                wanted = PACKAGES[installing[1]]
                assert shutil.which(wanted, path=path), f"this machine does not have {wanted}"
                continue
            self._step(step, project, scratch, environment)

    def _step(self, step: dict[str, Any], project: Path, scratch: Path, environment: dict[str, str]) -> None:
        files = {name: scratch / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", "utf-8")
        own = {**environment, **self._filled(step.get("env", {})), **{name: str(file) for name, file in files.items()}}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self._fill(step["run"])]
        done = subprocess.run(command, cwd=project, env=own, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode:
            raise AssertionError(f"{step['run']}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        self.ran.append(step.get("name", step["run"]))
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
        self.outputs |= _outputs(files["GITHUB_OUTPUT"].read_text("utf-8"))

    def _filled(self, variables: dict[str, str]) -> dict[str, str]:
        return {name: self._fill(str(value)) for name, value in variables.items()}

    def _fill(self, text: str) -> str:
        return EXPRESSION.sub(lambda found: self.values[found[1]], text)


def _outputs(text: str) -> dict[str, str]:
    """`name=value` lines and `name<<MARK` blocks."""
    blocks = {m[1]: m[3] for m in re.finditer(r"^(\w+)<<(\S+)\n(.*?)\n\2$", text, re.M | re.S)}
    lines = dict(re.findall(r"^(\w+)=(.*)$", re.sub(r"^(\w+)<<(\S+)\n.*?\n\2$", "", text, flags=re.M | re.S), re.M))
    return {**lines, **blocks}
