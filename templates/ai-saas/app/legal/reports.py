"""What the legal calls answer: JSON shapes, each with the words that this is no legal advice."""

from collections.abc import Sequence

from pydantic import BaseModel

from app.legal.clauses import Clause
from app.legal.comparison import ClausePair, State, tally
from app.legal.contracts import Comparison, Contract, FoundClause
from app.legal.risks import Risk
from app.legal.risks import risks as find_risks
from app.legal.rules import RULES, Severity

DISCLAIMER = (
    "This is a reading aid, not legal advice. It finds what its rules and its search know and may miss the rest; "
    "have a lawyer read what you sign."
)


class ClauseShape(BaseModel):
    """One clause: `locator` is where a reader finds it in `document`."""

    document: str
    locator: str
    number: str
    title: str
    text: str


class ContractShape(BaseModel):
    """A contract as its clauses."""

    id: str
    name: str
    clauses: list[ClauseShape]
    disclaimer: str = DISCLAIMER


class FoundShape(BaseModel):
    """A clause that was found; `quote` stands word for word in its text."""

    clause: ClauseShape
    quote: str
    score: float


class SearchReport(BaseModel):
    """The clauses that speak about what was asked, best first; none where none does."""

    clauses: list[FoundShape]
    disclaimer: str = DISCLAIMER


class RiskShape(BaseModel):
    """One finding; `clause` and `quote` are empty where the finding is that a clause is missing."""

    rule: str
    title: str
    severity: Severity
    why: str
    remedy: str
    clause: ClauseShape | None
    quote: str


class RiskReport(BaseModel):
    """The risks that `rules` rules found in `clauses` clauses, the gravest first."""

    document: str
    risks: list[RiskShape]
    rules: int
    clauses: int
    disclaimer: str = DISCLAIMER


class PieceShape(BaseModel):
    """Words that both contracts have (`same`), only the first (`removed`) or only the second (`added`)."""

    kind: str
    text: str


class PairShape(BaseModel):
    """What became of one clause, its words, and the numbers that went and came."""

    state: State
    title: str
    first: ClauseShape | None
    second: ClauseShape | None
    renumbered: bool
    pieces: list[PieceShape]
    numbers_gone: list[str]
    numbers_come: list[str]


class ComparisonReport(BaseModel):
    """Two contracts clause by clause in the order of the second, how many in each state, and the risks that differ."""

    first: str
    second: str
    tally: dict[State, int]
    clauses: list[PairShape]
    risks_gone: list[RiskShape]
    risks_come: list[RiskShape]
    disclaimer: str = DISCLAIMER


def contract_report(contract: Contract) -> ContractShape:
    """The contract's clauses."""
    return ContractShape(
        id=contract.record.id, name=contract.record.name, clauses=[_clause(clause) for clause in contract.clauses]
    )


def search_report(found: Sequence[FoundClause]) -> SearchReport:
    """What a search found."""
    return SearchReport(
        clauses=[FoundShape(clause=_clause(each.clause), quote=each.quote, score=each.score) for each in found]
    )


def risk_report(contract: Contract) -> RiskReport:
    """The contract's risks."""
    found = [_risk(risk) for risk in find_risks(contract.clauses)]
    return RiskReport(document=contract.record.name, risks=found, rules=len(RULES), clauses=len(contract.clauses))


def comparison_report(comparison: Comparison) -> ComparisonReport:
    """What differs between two contracts."""
    return ComparisonReport(
        first=comparison.first.record.name,
        second=comparison.second.record.name,
        tally=tally(comparison.pairs),
        clauses=[_pair(pair) for pair in comparison.pairs],
        risks_gone=[_risk(risk) for risk in comparison.risks_gone],
        risks_come=[_risk(risk) for risk in comparison.risks_come],
    )


def _clause(clause: Clause) -> ClauseShape:
    return ClauseShape(
        document=clause.document, locator=clause.locator, number=clause.number, title=clause.title, text=clause.text
    )


def _risk(risk: Risk) -> RiskShape:
    rule, clause = risk.rule, risk.clause
    return RiskShape(
        rule=rule.name,
        title=rule.title,
        severity=rule.severity,
        why=rule.why,
        remedy=rule.remedy,
        clause=_clause(clause) if clause else None,
        quote=risk.quote,
    )


def _pair(pair: ClausePair) -> PairShape:
    gone, come = pair.numbers
    return PairShape(
        state=pair.state,
        title=pair.clause.title,
        first=_clause(pair.first) if pair.first else None,
        second=_clause(pair.second) if pair.second else None,
        renumbered=pair.renumbered,
        pieces=[PieceShape(kind=piece.kind, text=piece.text) for piece in pair.pieces],
        numbers_gone=gone,
        numbers_come=come,
    )
