"""The risk list of a contract: found by rules, each finding with the sentence that proves it and the reason why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.answering.citations import NUMBER_WORDS
from app.language import sentences
from app.legal.clauses import Clause
from app.legal.rules import RULES, Rule, Severity

WEIGHT = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Risk:
    """A rule that found something: `quote` stands word for word in `clause`; a missing clause has neither."""

    rule: Rule
    clause: Clause | None
    quote: str


def risks(clauses: Sequence[Clause], rules: Sequence[Rule] = RULES) -> list[Risk]:
    """Every risk that the rules see, the gravest first, in reading order within a severity.

    A rule finds at most one sentence in a clause. What no rule describes is not seen: an empty list proves nothing.
    """
    found = [risk for rule in rules for risk in _apply(rule, clauses)]
    place: dict[Clause | None, int] = {clause: number for number, clause in enumerate(clauses)}
    return sorted(found, key=lambda risk: (WEIGHT[risk.rule.severity], place.get(risk.clause, len(place))))


def _apply(rule: Rule, clauses: Sequence[Clause]) -> Iterator[Risk]:
    if rule.missing:
        said = any(rule.pattern.search(f"{clause.title}\n{clause.text}") for clause in clauses)
        if clauses and not said:
            yield Risk(rule, None, "")
        return
    for clause in clauses:
        quote = next((sentence for sentence in sentences(clause.text) if _says(rule, sentence)), None)
        if quote is not None:
            yield Risk(rule, clause, quote)


def _says(rule: Rule, sentence: str) -> bool:
    """Whether this sentence is what the rule looks for."""
    found = rule.pattern.search(sentence)
    if found is None or (rule.unless and rule.unless.search(sentence)):
        return False
    return rule.more_than is None or _number(next(filter(None, found.groups()))) > rule.more_than


def _number(word: str) -> float:
    """The value of a number in digits or, up to twelve, as a word."""
    return float(NUMBER_WORDS.get(word.lower(), word))
