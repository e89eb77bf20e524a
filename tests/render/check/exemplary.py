"""A small repository that earns every point, as files, and for each rule a change that costs exactly that rule."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

WORDS = " ".join(f"word{n}" for n in range(300))
PIN = "actions/checkout@" + "3d3c42e5" * 5
README = f"# Finder\n\n{WORDS}\n\n```mermaid\nflowchart LR\n  A --> B\n```\n\n```\nmake demo\n```\n"
TESTS = "".join(f"def test_number_{n}():\n    assert {n} + 1 == {n + 1}\n\n\n" for n in range(12))
CASES = "cases:\n" + "".join(f"  - inputs: {{question: What is fact number {n} of ours?}}\n" for n in range(60))
DECISION = f"# Choose {{}}\n\n{' '.join(f'reason{{}}{n}' for n in range(70))}\n\n## Alternatives\n\n{WORDS}\n"
RESULTS = "Measured 2026-11-20 with `make eval`.\n\n| metric | mean |\n|---|---|\n| ours | 0.71 |\n| theirs | 0.64 |\n"
MAKEFILE = "setup:\n\tuv sync\n\ntest:\n\tuv run pytest\n\neval:\n\tapp eval run\n\tapp eval gate\n"
WORKFLOW = f"""\
on: [push, pull_request]
permissions: {{contents: read}}
jobs:
  check:
    runs-on: ubuntu-24.04
    steps:
      - uses: {PIN}
      - run: make test
      - run: make eval
      - run: terraform fmt -check -recursive
      - run: terraform validate
"""
TERRAFORM = """\
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_budgets_budget" "monthly" {
  limit_amount = "20"
}
resource "aws_vpc_security_group_ingress_rule" "web" {
  cidr_ipv4 = "0.0.0.0/0"
  from_port = 443
  to_port   = 443
}
"""
SERVICE = """\
FALLBACK = FallbackModel("a", "b")
LIMITS = {"max_body_bytes": 1000}


@get("/healthz")
def health():
    return call(timeout=5)
"""
GOOD = {
    "README.md": README,
    "uv.lock": "version = 1\n",
    "Makefile": MAKEFILE,
    "app/service.py": SERVICE,
    "tests/test_numbers.py": TESTS,
    "evals/golden/facts.yaml": CASES,
    "evals/baseline/facts.json": '{"mean": 0.7}\n',
    "docs/results.md": RESULTS,
    "docs/adr/0001-store.md": DECISION.format("a store", *"a" * 70),
    "docs/adr/0002-model.md": DECISION.format("a model", *"b" * 70),
    "docs/cost.md": "| part | month |\n|---|---|\n| database | $12 |\n| compute | $8 |\n| model | $3.50 |\n",
    "docs/story.md": f"# What I learned\n\n{WORDS}\n",
    "Dockerfile": "FROM python:3.13-slim\nUSER 10001\nHEALTHCHECK CMD curl localhost\n",
    ".github/workflows/ci.yml": WORKFLOW,
    "infra/main.tf": TERRAFORM,
}
FAKE_KEY = "AKIA" + "QWERTYUIOPASDFGH"
IDLE = "".join(f"def test_number_{n}():\n    assert True\n\n\n" for n in range(12))
WITHOUT_MAKE = WORKFLOW.replace("make test", "pytest").replace("make eval", "app eval gate")
BREAKS: dict[str, dict[str, str | None]] = {
    "STR101": {"README.md": "# Finder\n\n![](a.png)\n"},
    "STR102": {"uv.lock": None},
    "STR103": {"Makefile": None, ".github/workflows/ci.yml": WITHOUT_MAKE},
    "STR104": {"README.md": README.replace("mermaid", "text")},
    "TST101": {"tests/test_idle.py": IDLE.replace("number", "idle")},
    "TST102": {"tests/test_numbers.py": "from somewhere import tests\n"},
    "EVA101": {"evals/golden/facts.yaml": "".join(CASES.splitlines(keepends=True)[:21])},
    "EVA102": {"evals/baseline/facts.json": None},
    "EVA103": {"evals/golden/facts.yaml": "cases:\n" + "  - {critical: false}\n" * 60},
    "EVD101": {"docs/results.md": RESULTS.replace("2026-11-20", "yesterday")},
    "EVD102": {"docs/adr/0002-model.md": "# A model\n\nWe took it.\n"},
    "EVD103": {"docs/cost.md": "It is cheap.\n"},
    "EVD104": {"docs/story.md": "# Story\n\nTo be written.\n"},
    "REL101": {"Dockerfile": "FROM python:3.13-slim\nUSER 10001\n"},
    "REL102": {"app/service.py": SERVICE.replace("timeout", "speed")},
    "REL103": {"app/service.py": SERVICE.replace("FallbackModel", "Model")},
    "SEC101": {"app/keys.py": f'KEY = "{FAKE_KEY}"\n'},
    "SEC102": {"Dockerfile": "FROM python AS a\nUSER 5\nFROM python\nHEALTHCHECK CMD true\n"},
    "SEC103": {".github/workflows/ci.yml": WORKFLOW.replace(PIN, "actions/checkout@v7")},
    "SEC104": {".github/workflows/ci.yml": WORKFLOW.replace("{contents: read}", "write-all")},
    "SEC105": {"infra/role.tf": 'data "aws_iam_policy_document" "all" {\n  statement {\n    actions = ["*"]\n  }\n}\n'},
    "INF101": {"infra/main.tf": None},
    "INF102": {".github/workflows/ci.yml": WORKFLOW.replace("terraform validate", "true")},
    "INF103": {"infra/main.tf": TERRAFORM.replace("budgets_budget", "thing")},
    "INF104": {"infra/main.tf": TERRAFORM.replace("443", "5432")},
    "CI101": {".github/workflows/ci.yml": WORKFLOW.replace("run: make test", "run: make test || true")},
    "CI102": {"Makefile": MAKEFILE.replace("\tapp eval gate", "\t-app eval gate")},
}


def write(folder: Path, files: Mapping[str, str | None], commit: bool = True) -> Path:
    """A repository with these files (None removes one), committed."""
    for name, text in files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    if commit:
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
            subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return folder
