"""Writes the files that are generated from others, in a checkout: `python -m shipfolio.upkeep [--check]`."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

from shipfolio import git, source
from shipfolio.check import rules
from shipfolio.check.rule import FAMILIES, Rule
from shipfolio.questions import Question, Questionnaire, load

SHARED = "templates/_shared"
RUFF_SOURCE = "templates/_partials/pyproject-tools.toml"
RUFF_HEADER = f"""\
# Lints the unrendered templates as the rendered projects lint themselves: {RUFF_SOURCE},
# brought here by `python -m shipfolio.upkeep`.
src = ["_shared", "rag-platform", "agent", "ai-saas"]
"""
RUFF_FOOTER = """
[lint.isort]
known-first-party = ["app"]
"""
HEADER = "# Every file in templates/_shared/, written by `python -m shipfolio.upkeep`.\n"


def generated(root: Path) -> dict[Path, str]:
    """Each generated file with what it must hold."""
    return {
        root / "templates/_shared.files.yml": HEADER + "".join(f"- {name}\n" for name in shared_files(root)),
        root / "docs/options.md": options_page(load(root)),
        root / "docs/rubric.md": rubric_page(),
        root / "templates/ruff.toml": lint_settings((root / RUFF_SOURCE).read_text("utf-8")),
        **cost_tables(root),
    }


def shared_files(root: Path) -> list[str]:
    """The files of templates/_shared that git tracks or would track, sorted."""
    listed = git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", SHARED, cwd=root)
    names = [name for name in listed.decode().split("\0") if name and (root / name).is_file()]
    return sorted(name.removeprefix(SHARED + "/") for name in names)


def cost_tables(root: Path) -> dict[Path, str]:
    """What docs/cost.md of a new project says of its infrastructure, by the project's own computation."""
    cost = runpy.run_path(str(root / SHARED / "delivery/cost.py"))
    tables = {path.parent.name: cost["read"](path) for path in (root / SHARED).glob("infra/*/prices.yaml")}
    return {
        root / f"templates/_partials/cost/{cloud}-{deploy}.md": "\n\n".join(
            (cost["MARKS"][0], cost["markdown"](table, deploy), cost["MARKS"][1])
        )
        for cloud, table in tables.items()
        for deploy in ("serverless", "kubernetes")
    }


def lint_settings(partial: str) -> str:
    """templates/ruff.toml: the ruff tables of the rendered projects, for paths below templates/."""
    tables = re.findall(r"^\[tool\.ruff.*?(?=^\[(?!tool\.ruff)|\Z)", partial, flags=re.MULTILINE | re.DOTALL)
    text = "".join(tables).strip().removeprefix("[tool.ruff]\n").replace("[tool.ruff.", "[")
    return RUFF_HEADER + re.sub(r'^"(\w+/\*\*)"', r'"**/\1"', text, flags=re.MULTILINE) + "\n" + RUFF_FOOTER


def options_page(questionnaire: Questionnaire) -> str:
    """docs/options.md: every question with its answers, and every rule."""
    parts = [
        "# Questions and answers\n",
        "Generated from `copier.yml` by `python -m shipfolio.upkeep`; do not edit.\n",
        "Give an answer as an option, with `--data question=answer`, or in a file with `--answers FILE`.\n",
    ]
    parts += [_section(question) for question in questionnaire.asked]
    parts.append("## Pairs that are refused\n")
    parts.append("| answer | needs | why | instead |\n|---|---|---|---|\n" + "".join(_rows(questionnaire)))
    return "\n".join(parts)


def rubric_page() -> str:
    """docs/rubric.md: every rule of `shipfolio check`, by family."""
    parts = [
        "# The rubric\n",
        "What `shipfolio check` looks for. Generated from the rules by `python -m shipfolio.upkeep`; do not edit.\n",
    ]
    known = rules.fresh(run=True)
    for family, name in FAMILIES.items():
        own = {rule: kind for rule, kind in known.items() if kind.family == family}
        note = ", only with `--run`" if family == "run" else ""
        parts.append(f"## {name} ({sum(kind.points for kind in own.values())} points{note})\n")
        lines = [f"| `{rule}` | {kind.points} | {_cells(kind)} |\n" for rule, kind in own.items()]
        parts.append("| rule | points | requirement | why | how to mend it |\n|---|---|---|---|---|\n" + "".join(lines))
    return "\n".join(parts)


def _cells(rule: Rule) -> str:
    texts = (type(rule).__doc__ or "", rule.why, type(rule).check.__doc__ or "")
    return " | ".join(" ".join(text.split()) for text in texts)


def main(arguments: list[str]) -> int:
    """Write the generated files, or with --check say which are out of date (exit code 1)."""
    files = generated(source.CHECKOUT)
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        name = path.relative_to(source.CHECKOUT)
        sys.stdout.write(f"{'out of date' if '--check' in arguments else 'written'}: {name}\n")
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], "utf-8", newline="\n")
    return 1 if stale and "--check" in arguments else 0


def _section(question: Question) -> str:
    lines = [f"## `{question.name}`\n", f"{question.help}. Option `{question.option}`.\n"]
    if question.name == "template":
        lines[1] = f"{question.help}. The first argument of `shipfolio new`.\n"
    if question.choices:
        default = question.default
        rows = (f"| `{v}`{' (default)' if v == default else ''} | {label} |\n" for label, v in question.choices.items())
        lines.append("| answer | meaning |\n|---|---|\n" + "".join(rows))
    return "\n".join(lines)


def _rows(questionnaire: Questionnaire) -> list[str]:
    rows = []
    for rule in questionnaire.rules:
        needs = f"another `{rule.needs}`" if rule.differs else f"`{rule.needs}` " + " or ".join(rule.among)
        answers = ", ".join(f"`{option}`" for option in rule.options) or "any"
        questions = ", ".join(f"`{name}`" for name in rule.of)
        rows.append(f"| {questions}: {answers} | {needs} | {rule.why} | {rule.instead} |\n")
    return rows


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
