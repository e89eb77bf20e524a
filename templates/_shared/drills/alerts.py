"""Whether an alert of monitoring/alerts.yml would fire: its own expression, with the numbers that a drill has seen.

Only the grammar that the rules use: comparisons joined by `and`, whose sides are products of numbers and series. What
Prometheus adds, rates over time and `for`, is the business of monitoring/alerts.test.yml.
"""

import operator
import re
from collections.abc import Mapping
from functools import reduce
from pathlib import Path

import yaml

RULES = Path("monitoring/alerts.yml")
COMPARISONS = {"==": operator.eq, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
CLAUSE = re.compile(r"(.+?) (==|>=|<|>) (.+)")
LABELS = re.compile(r"\{.*?\}")


def expression(alert: str, rules: Path = RULES) -> str:
    """The expression of an alert.

    Raises:
        KeyError: there is no such alert.
    """
    groups = yaml.safe_load(rules.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"] if "alert" in rule}[alert]


def fires(alert: str, values: Mapping[str, float], rules: Path = RULES) -> bool:
    """Whether the alert's expression holds for these values of its series.

    Raises:
        KeyError: no such alert, or its expression reads a series that is not in `values`.
        ValueError: an expression beyond this grammar.
    """
    return all(_holds(clause, values) for clause in expression(alert, rules).split(" and "))


def _holds(clause: str, values: Mapping[str, float]) -> bool:
    match = CLAUSE.fullmatch(clause.strip())
    if match is None:
        raise ValueError(f"{clause!r} is no comparison of products.")
    left, comparison, right = match.groups()
    return bool(COMPARISONS[comparison](_product(left, values), _product(right, values)))


def _product(text: str, values: Mapping[str, float]) -> float:
    return reduce(operator.mul, (_factor(factor, values) for factor in text.split(" * ")))


def _factor(text: str, values: Mapping[str, float]) -> float:
    name = LABELS.sub("", text.strip("()"))
    return float(name) if name[0].isdigit() else values[name]
