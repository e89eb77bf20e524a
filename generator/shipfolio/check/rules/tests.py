"""Would a test notice if it broke?"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule
from shipfolio.check.template_text import TemplateText

PYTHON_TESTS = r"(.*/)?(test_[^/]+|[^/]+_test|conftest)\.py|(.*/)?tests?/.+\.py"
OTHER_TESTS = r"(.*/)?[^/]+(\.(test|spec)\.[jt]sx?|_test\.go)"
OTHER_TEST = re.compile(r"^\s*(?:it|test)\(|^func Test\w+\(", re.MULTILINE)
OTHER_ASSERTION = re.compile(r"\b(expect|assert\w*)\b[.(]|\bt\.(Error|Fatal)f?\(")
ASSERTING = {"raises", "warns", "fail", "expect", "deprecated_call"}
MIN_TESTS = 10
MIN_SHARE = 0.8
MIN_OWN = 5


@dataclass(frozen=True)
class Test:
    """One test: where it stands, whether it can fail on a wrong result, its source."""

    name: str
    asserts: bool
    source: str


class TST101(Rule):
    """At least ten tests, and they assert something."""

    family = "tests"
    why = "A test without an assertion passes whatever the code does; it is the first thing a reviewer looks for."
    points = 4

    def check(self, repo: Repo) -> bool:
        """Write tests that compare a result with what you expect, at least ten, and remove empty ones."""
        tests = tests_of(repo)
        idle = [test.name for test in tests if not test.asserts]
        self.evidence.append(f"{len(tests)} tests")
        self.found(idle, "test that asserts nothing", "tests that assert nothing")
        return len(tests) >= MIN_TESTS and len(tests) - len(idle) >= MIN_SHARE * len(tests)


class TST102(Rule):
    """At least five of the tests are your own."""

    family = "tests"
    why = "The generated tests show what the template can do; yours show what you can do."
    points = 8

    def check(self, repo: Repo) -> bool:
        """Write tests for what you changed or added: at least five whose lines the template does not hold."""
        own = [test.name for test in tests_of(repo) if test.asserts and _mostly_own(repo.template, test.source)]
        self.found(own, "own test")
        return len(own) >= MIN_OWN


def tests_of(repo: Repo) -> list[Test]:
    """Every test function of the repository, named with its file."""
    found = [test for name in repo.named(PYTHON_TESTS) for test in _in_python(name, repo.text(name))]
    return found + [test for name in repo.named(OTHER_TESTS) for test in _in_other(name, repo.text(name))]


@lru_cache(maxsize=500)
def _in_python(file: str, text: str) -> list[Test]:
    """The test functions of a Python file; none where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    lines = text.splitlines()
    return [
        Test(
            f"{file}::{node.name}",
            any(map(_asserts, ast.walk(node))),
            "\n".join(lines[node.lineno - 1 : node.end_lineno]),
        )
        for node in _functions(tree.body)
        if node.name.startswith("test")
    ]


def _functions(statements: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a module and of its classes, behind an if, try, with or loop too; pytest finds no others."""
    waiting = statements[::-1]
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement
        else:
            waiting += reversed(_inside(statement))


def _inside(statement: ast.stmt) -> list[ast.stmt]:
    """The statements directly inside another one, in all of its branches."""
    blocks = [getattr(statement, part, []) for part in ("body", "orelse", "finalbody")]
    blocks += [handler.body for handler in getattr(statement, "handlers", [])]
    return [inner for block in blocks for inner in block]


@lru_cache(maxsize=500)
def _in_other(file: str, text: str) -> list[Test]:
    pieces = OTHER_TEST.split(text)[1:]
    return [
        Test(f"{file}::{number}", bool(OTHER_ASSERTION.search(piece)), piece) for number, piece in enumerate(pieces)
    ]


def _asserts(node: ast.AST) -> bool:
    """Whether a statement can fail on a wrong result. `assert True` cannot."""
    if isinstance(node, ast.Assert):
        return not isinstance(node.test, ast.Constant)
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called.startswith(("assert", "check_", "require")) or called in ASSERTING
    return False


@lru_cache(maxsize=5_000)
def _mostly_own(template: TemplateText, source: str) -> bool:
    lines = [line for line in source.splitlines() if line.strip()]
    return 2 * len(template.own_lines(source)) > len(lines)
