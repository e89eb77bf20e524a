"""Is the quality of the answers measured, and does a drop stop anything?"""

from __future__ import annotations

import re
from typing import Any

from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule

CASE_FILES = r"(.*/)?(evals?|evaluations?|golden|benchmarks?)/.+\.(ya?ml|jsonl?|csv)"
BASELINES = r"(.*/)?(evals?|evaluations?)/(.*/)?baseline[^/]*(/[^/]+|\.\w+)"
SETTINGS = r"(.*/)?(evals?|evaluations?)/.+\.(py|ya?ml|toml|json)|pyproject\.toml|makefile|\.github/workflows/.+"
THRESHOLD = re.compile(
    r"(?i)\b[\w-]*(?:threshold|fail[_-]under|min(?:imum)?[_-]score|margin|pass[_-]mark|max[_-]drop)"
    r"\w*[\"']?\s*[:= ]\s*[0-9.]+"
)
MIN_CASES = 50
MIN_OWN = 10


class EVA101(Rule):
    """At least fifty golden cases."""

    family = "evaluation"
    why = "With ten cases a difference of ten points is noise; fifty is where a drop begins to mean something."
    points = 3

    def check(self, repo: Repo) -> bool:
        """Collect questions with their expected answers in evals/golden/, at least fifty."""
        counted = {name: len(cases_of(repo, name)) for name in repo.named(CASE_FILES)}
        self.found(
            [f"{name} ({count})" for name, count in counted.items() if count], "file with cases", "files with cases"
        )
        return sum(counted.values()) >= MIN_CASES


class EVA102(Rule):
    """The evaluation has a threshold: a baseline or a number below which it fails."""

    family = "evaluation"
    why = "A score that nothing depends on is decoration; a threshold makes it a decision."
    points = 4
    requires = frozenset({"EVA101"})

    def check(self, repo: Repo) -> bool:
        """Accept a baseline (`app eval accept`) or set a threshold that the evaluation command fails below."""
        baselines = [name for name in repo.named(BASELINES) if repo.text(name).strip()]
        numbers = [f"{name}: {found}" for name in repo.named(SETTINGS) if (found := repo.first(THRESHOLD, name))]
        self.found(baselines, "baseline")
        self.found(numbers, "threshold")
        return bool(baselines or numbers)


class EVA103(Rule):
    """At least ten of the golden cases are your own."""

    family = "evaluation"
    why = "Writing cases is where you learn what your system gets wrong; the sample cases are somebody else's lesson."
    points = 7

    def check(self, repo: Repo) -> bool:
        """Add at least ten cases about your own documents or users to evals/golden/."""
        own = [text for name in repo.named(CASE_FILES) for case in cases_of(repo, name) if (text := _own(repo, case))]
        self.found(own, "own case")
        return len(own) >= MIN_OWN


def cases_of(repo: Repo, name: str) -> list[Any]:
    """The cases in one file: the longest list of mappings it holds, or its lines."""
    if "baseline" in name or "history" in name or "latest" in name:
        return []
    if name.endswith(".jsonl"):
        return [line for line in repo.text(name).splitlines() if line.startswith("{")]
    if name.endswith(".csv"):
        return [line for line in repo.text(name).splitlines()[1:] if line.strip()]
    content = repo.parsed(name)
    lists = [content, *content.values()] if isinstance(content, dict) else [content]
    cases = [[c for c in items if isinstance(c, dict)] for items in lists if isinstance(items, list)]
    return max(cases, key=len, default=[])


def _own(repo: Repo, case: Any) -> str:
    """The longest text of a case, shortened; empty where a template holds it."""
    longest = max(_texts(case), key=len, default="")
    if " ".join(longest.split()) in repo.template.golden:
        return ""
    return longest if len(longest) <= 60 else f"{longest[:57]}..."


def _texts(value: Any, depth: int = 0) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for item in inner for text in _texts(item, depth + 1)] if depth < 6 else []
