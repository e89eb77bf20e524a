"""What a repository's continuous integration runs, read from its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from shipfolio.check.repo import Repo

GITHUB = r"\.github/workflows/[^/]+\.ya?ml"
OTHER = r"\.gitlab-ci\.yml|azure-pipelines\.yml|\.circleci/config\.yml|jenkinsfile|bitbucket-pipelines\.yml"
MAKE_CALL = re.compile(r"(?:\bmake\b|\$\(MAKE\))((?:[ \t]+[\w.=/-]+)+)")
TARGET = re.compile(r"^([\w.-]+(?:[ \t]+[\w.-]+)*)[ \t]*:(?![=:])([^\n]*)\n((?:\t[^\n]*\n?|[ \t]*\n)*)", re.MULTILINE)
WAVED_THROUGH = re.compile(r"\|\|\s*(true|:|exit 0)\s*$")


@dataclass(frozen=True)
class Pipeline:
    """One file of CI: what starts it, the commands whose failure stops it, the actions it uses."""

    name: str
    on_pull_request: bool
    commands: str
    uses: list[str]
    content: dict[str, Any]


def pipelines(repo: Repo) -> list[Pipeline]:
    """Every pipeline; `make` targets are followed into the Makefile."""
    recipes = _recipes(repo)
    found = [_github(repo, name, recipes) for name in repo.named(GITHUB)]
    for name in repo.named(OTHER):
        found.append(Pipeline(name, True, _expanded(repo.text(name), recipes), [], {}))
    return found


def _github(repo: Repo, name: str, recipes: dict[str, str]) -> Pipeline:
    content = repo.parsed(name)
    workflow = content if isinstance(content, dict) else {}
    started_by = workflow.get("on", workflow.get(True))  # YAML 1.1 reads the key `on` as true
    steps = [step for job in _mappings(workflow.get("jobs")) for step in _steps(job)]
    commands = "\n".join(_gating(str(step["run"])) for step in steps if step.get("run"))
    uses = [str(step["uses"]) for step in steps if step.get("uses")]
    uses += [str(job["uses"]) for job in _mappings(workflow.get("jobs")) if job.get("uses")]
    return Pipeline(name, "pull_request" in _keys(started_by), _expanded(commands, recipes), uses, workflow)


def _steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of a job whose failure counts."""
    if job.get("continue-on-error") is True or job.get("if") is False or not isinstance(job.get("steps"), list):
        return []
    steps = [step for step in job["steps"] if isinstance(step, dict)]
    return [step for step in steps if step.get("continue-on-error") is not True and step.get("if") is not False]


def _gating(script: str) -> str:
    return "\n".join(line for line in script.splitlines() if not WAVED_THROUGH.search(line))


def _recipes(repo: Repo) -> dict[str, str]:
    """Each Makefile target with the targets it needs and its commands."""
    recipes: dict[str, str] = {}
    for match in TARGET.finditer(repo.joined(r"makefile|gnumakefile")):
        needed = [f"make {name}" for name in match[2].split("##")[0].split() if re.fullmatch(r"[\w.-]+", name)]
        commands = "\n".join(line for line in match[3].splitlines() if not line.startswith("\t-"))
        for target in match[1].split():
            recipes[target] = "\n".join([*needed, _gating(commands)])
    return recipes


def _expanded(commands: str, recipes: dict[str, str]) -> str:
    """The commands and, below them, the recipes of every target they reach."""
    done: set[str] = set()
    parts, waiting = [commands], [commands]
    while waiting:
        for call in MAKE_CALL.findall(waiting.pop()):
            for target in set(call.split()) & set(recipes) - done:
                done.add(target)
                parts.append(recipes[target])
                waiting.append(recipes[target])
    return "\n".join(parts)


def _keys(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    return {str(item) for item in value} if isinstance(value, list | dict) else set()


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [item for item in value.values() if isinstance(item, dict)] if isinstance(value, dict) else []
