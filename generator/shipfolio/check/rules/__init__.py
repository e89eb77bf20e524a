"""The rules of the rubric, one module per family. A new rule is a class in one of them."""

from __future__ import annotations

from types import ModuleType

from shipfolio.check.rule import Rule
from shipfolio.check.rules import (
    ci,
    evaluation,
    evidence,
    infrastructure,
    own_checks,
    reliability,
    security,
    structure,
    tests,
)

STATIC = (structure, tests, evaluation, evidence, reliability, security, infrastructure, ci)


def fresh(run: bool = False) -> dict[str, Rule]:
    """A new instance of every rule by its id; those that run code of the repository only with `run`."""
    modules = (*STATIC, own_checks) if run else STATIC
    return {name: kind() for module in modules for name, kind in _rules_of(module).items()}


def _rules_of(module: ModuleType) -> dict[str, type[Rule]]:
    kinds = {name: kind for name, kind in vars(module).items() if isinstance(kind, type) and issubclass(kind, Rule)}
    return {name: kind for name, kind in kinds.items() if kind is not Rule}
