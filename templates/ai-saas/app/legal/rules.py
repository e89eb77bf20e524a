"""What a careful reader looks for in a contract: the rules of the risk list, each with its reason and its remedy."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much harm a clause can do; `HIGH` belongs before a lawyer."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Rule:
    """A clause that says something (`pattern` in one sentence), or a contract that says nothing (`missing`).

    A sentence in which `unless` stands is no finding. With `more_than` the first group of the pattern is a number, in
    digits or as a word up to twelve, that must be larger.
    """

    name: str
    title: str
    severity: Severity
    why: str
    remedy: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    more_than: float | None = None
    missing: bool = False


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


COUNT = r"(\d+(?:\.\d+)?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
GAP = r"[^.;]{0,120}?"

RULES = (
    Rule(
        "unlimited-liability",
        "Liability without a limit",
        Severity.HIGH,
        "One event can cost more than the whole contract is worth.",
        "Ask for a cap per year, with the usual exceptions for intent, injury and death.",
        _words(rf"\bunlimited{GAP}\bliab|\bliab{GAP}\b(?:unlimited|without (?:any )?limit(?:ation)?\b)"),
        _words(r"\b(?:nothing|intent|death|injury|fraud)\b"),
    ),
    Rule(
        "low-cap",
        "Liability capped at a few months' fees",
        Severity.MEDIUM,
        "A cap below a year's fees seldom covers the damage of a long outage or a lost data set.",
        "Ask for at least the fees of twelve months.",
        _words(rf"\bliab{GAP}\b(?:limited to|exceed|capped at){GAP}\b(?:one|two|three|four|five|six|[1-6]) months?"),
    ),
    Rule(
        "one-sided-indemnity",
        "Indemnity",
        Severity.MEDIUM,
        "The one who indemnifies pays the other's claims, lawyers included, often outside the cap.",
        "Make it mutual, tie it to fault, and put it under the cap.",
        _words(r"\b(?:shall|will|agrees to|must) indemnify\b|\bhold harmless\b"),
        _words(r"\beach party\b|\bmutual"),
    ),
    Rule(
        "silent-renewal",
        "Renews by itself",
        Severity.MEDIUM,
        "Who forgets the date is bound and pays for another term.",
        "Put the date in the calendar, or ask for renewal by written agreement only.",
        _words(rf"\brenew{GAP}\bautomatically\b|\bautomatic(?:ally)?\b{GAP}\brenew|\bextended automatically\b"),
        _words(r"\b(?:not|never) renew"),
    ),
    Rule(
        "long-notice",
        "Notice longer than three months",
        Severity.MEDIUM,
        "A long notice period makes leaving slow and dear.",
        "Ask for 30 to 90 days.",
        _words(
            rf"\bnotice of(?: at least| not less than)? {COUNT} months\b|\b{COUNT} months['\u2019]? (?:written )?notice"
        ),
        more_than=3,
    ),
    Rule(
        "change-at-will",
        "One side may change the terms",
        Severity.HIGH,
        "What was agreed is worth only as much as the other side's mood.",
        "Ask for written agreement of both, or for the right to leave without cost.",
        _words(
            rf"\bmay (?:change|amend|modify|vary)\b{GAP}\b(?:at any time|without (?:prior )?(?:notice|consent))"
            r"|\bat its sole discretion\b"
        ),
    ),
    Rule(
        "price-at-will",
        "One side may raise the price",
        Severity.HIGH,
        "Without a limit the budget is out of your hands.",
        "Tie increases to an index, cap them, and link them to a right to terminate.",
        _words(rf"\bmay (?:increase|raise|adjust)\b{GAP}\b(?:fees?|prices?|rates?|rent)\b"),
        _words(r"\b(?:index|not more than|at most|up to|capped)\b"),
    ),
    Rule(
        "sudden-end",
        "One side may end at once without cause",
        Severity.HIGH,
        "Work in progress and the service can vanish overnight.",
        "Ask for notice, and for help with the move to somebody else.",
        _words(
            rf"\bterminate\b{GAP}\b(?:at any time|immediately|with immediate effect)\b{GAP}"
            r"\bwithout (?:cause|reason|notice|giving)"
        ),
    ),
    Rule(
        "penalty",
        "Contractual penalty",
        Severity.MEDIUM,
        "A penalty is due without proof of any damage.",
        "Cap it, and count it against damages.",
        _words(r"\b(?:contractual )?penalty of\b|\bliquidated damages\b"),
    ),
    Rule(
        "exclusive",
        "Exclusivity or a ban on competing",
        Severity.HIGH,
        "It closes a market or a source of income, sometimes beyond the end of the contract.",
        "Limit it in time, place and field, and ask for compensation.",
        _words(r"\bexclusively from\b|\bshall not (?:compete|work for|engage)\b|\bnon-compet|\bsole supplier\b"),
    ),
    Rule(
        "rights-pass",
        "Rights in the work pass to the other side",
        Severity.MEDIUM,
        "What was there before, and what can be used again, is given away too if nothing says otherwise.",
        "Except earlier material, and make the transfer depend on payment.",
        _words(rf"\bassigns?\b{GAP}\b(?:rights?|title|intellectual property|copyright)\b|\bwork made for hire\b"),
        _words(r"\bneither party\b|\bwithout the (?:prior )?(?:written )?consent\b|\bmay not assign\b"),
    ),
    Rule(
        "irrevocable-licence",
        "A licence for ever",
        Severity.MEDIUM,
        "It cannot be taken back, whatever happens later.",
        "Limit it to the term and to the purpose of the contract.",
        _words(r"\b(?:irrevocable|perpetual)\b"),
    ),
    Rule(
        "late-payment-to-us",
        "Long time to pay",
        Severity.LOW,
        "Who waits longer than 45 days for money gives the other side a loan.",
        "Ask for 30 days.",
        _words(rf"\bwithin {COUNT} days (?:of|after|from) (?:the )?(?:receipt|date|invoice|delivery)"),
        more_than=45,
    ),
    Rule(
        "dear-interest",
        "Interest above one percent a month",
        Severity.MEDIUM,
        "A disputed invoice grows quickly.",
        "Ask for the statutory rate.",
        _words(rf"\binterest (?:of|at) {COUNT} ?(?:%|percent) (?:per|a) month"),
        more_than=1,
    ),
    Rule(
        "as-is",
        "No warranty",
        Severity.MEDIUM,
        "Defects are the buyer's problem from the first day.",
        "Ask for a warranty that the service does what its description says.",
        _words(r"[\"“]as is[\"”]|\bas is and\b|\bwithout (?:any )?warrant(?:y|ies)\b|\bdisclaims? all warrant"),
    ),
    Rule(
        "transfer-without-consent",
        "One side may hand the contract on",
        Severity.MEDIUM,
        "One day the partner is a stranger, or a competitor.",
        "Ask for consent, not to be refused without reason.",
        _words(rf"\bmay (?:assign|transfer|novate)\b{GAP}\bwithout (?:the )?(?:prior )?(?:written )?consent\b"),
    ),
    Rule(
        "far-data",
        "Personal data may leave the European Economic Area",
        Severity.HIGH,
        "The transfer needs a legal ground of its own; without one it is forbidden.",
        "Name the countries and the ground, such as standard clauses, or keep the data inside.",
        _words(
            rf"\b(?:process|transfer|stor)\w*\b{GAP}\boutside (?:the )?(?:European|EEA|EU)\b"
            r"|\bin any country\b"
        ),
        _words(r"\b(?:not|never|no) (?:be )?(?:process|transfer|stor)|\bstandard contractual clauses\b"),
    ),
    Rule(
        "surprise-audit",
        "Audit at any time",
        Severity.LOW,
        "Visits without notice disturb work and open other customers' data.",
        "Ask for notice, office hours and once a year.",
        _words(rf"\b(?:audit|inspect)\b{GAP}\b(?:at any time|without (?:prior )?notice)\b"),
    ),
    Rule(
        "no-liability-clause",
        "Nothing about liability",
        Severity.HIGH,
        "Then the law's rule holds, which mostly knows no limit.",
        "Add a cap.",
        _words(r"\bliab"),
        missing=True,
    ),
    Rule(
        "no-termination-clause",
        "Nothing about how it ends",
        Severity.MEDIUM,
        "Nobody knows how and when one gets out.",
        "Add a notice period, and what is good cause.",
        _words(r"\bterminat|\bnotice (?:of|period)\b|\bmay end\b|\bends? (?:on|after|when)\b"),
        missing=True,
    ),
    Rule(
        "no-law-clause",
        "Nothing about the law that holds",
        Severity.LOW,
        "A dispute begins with a dispute about the court.",
        "Name the law and the court.",
        _words(r"\bgoverned by\b|\bgoverning law\b|\bcourts? (?:of|in|at)\b|\blaws? of \w+ (?:holds?|applies)\b"),
        missing=True,
    ),
    Rule(
        "no-confidentiality-clause",
        "Nothing about confidentiality",
        Severity.LOW,
        "What is told in confidence may be told on.",
        "Add a clause, or sign a separate agreement.",
        _words(r"\bconfidential"),
        missing=True,
    ),
)
