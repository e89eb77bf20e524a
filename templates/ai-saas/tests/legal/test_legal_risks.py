"""The rules of the risk list: each one bites on a sentence of its kind, and stays quiet on its harmless twin."""

import re
import time

import pytest

from app.legal.clauses import Clause
from app.legal.risks import risks
from app.legal.rules import RULES, Rule, Severity

BITES = {
    "unlimited-liability": ("The Buyer's liability is unlimited.", "Liability is limited to EUR 5,000."),
    "low-cap": (
        "Liability shall not exceed the fees of three months.",
        "Liability is limited to the fees of twelve months.",
    ),
    "one-sided-indemnity": ("The Buyer shall indemnify the Seller.", "Each party shall indemnify the other."),
    "silent-renewal": (
        "It renews automatically for a year.",
        "It does not renew automatically.",
    ),
    "long-notice": ("With notice of six months it ends.", "With notice of three months it ends."),
    "change-at-will": ("The Seller may change the service at any time.", "The service may be changed by agreement."),
    "price-at-will": ("The Seller may increase the fees.", "The Seller may increase the fees by at most 3 percent."),
    "sudden-end": (
        "The Seller may terminate this contract at any time without cause.",
        "The Seller may terminate this contract with two months' notice.",
    ),
    "penalty": ("A penalty of EUR 500 is due.", "Damages are due."),
    "exclusive": ("The Buyer buys exclusively from the Seller.", "The Buyer may buy from others."),
    "rights-pass": ("The Designer assigns all rights in the drawings.", "The Designer keeps all rights."),
    "irrevocable-licence": ("The licence is irrevocable.", "The licence ends with the contract."),
    "late-payment-to-us": ("The Buyer pays within 60 days of receipt.", "The Buyer pays within 30 days of receipt."),
    "dear-interest": ("Interest of 1.5 percent per month is due.", "Interest of 1 percent per month is due."),
    "as-is": ('The goods are sold "as is".', "The goods carry a warranty."),
    "transfer-without-consent": (
        "The Seller may assign the contract without the consent of the Buyer.",
        "The Seller may assign the contract with consent.",
    ),
    "far-data": (
        "Data may be stored outside the European Union.",
        "Data shall not be stored outside the European Union.",
    ),
    "surprise-audit": (
        "The Seller may inspect the books at any time.",
        "The Seller may inspect the books once a year.",
    ),
}
MISSING = {
    "no-liability-clause": "Each party is liable for its own people.",
    "no-termination-clause": "Each party may terminate it with a month's notice.",
    "no-law-clause": "It is governed by the law of Belgium.",
    "no-confidentiality-clause": "Prices are confidential.",
}


def fired(*sentences: str) -> dict[str, str]:
    """Rules that found something in these clauses, with what they quote."""
    found = risks([Clause("a.md", f"{n}. Clause", text) for n, text in enumerate(sentences, start=1)])
    return {risk.rule.name: risk.quote for risk in found}


def test_every_rule_is_tested_here() -> None:
    assert {rule.name for rule in RULES} == BITES.keys() | MISSING.keys()
    assert len(RULES) == len(BITES) + len(MISSING)


@pytest.mark.parametrize("name", BITES)
def test_a_rule_quotes_its_sentence_and_leaves_the_harmless_one(name: str) -> None:
    harmful, harmless = BITES[name]
    assert fired(f"Before. {harmful} After.")[name] == harmful
    assert name not in fired(f"Before. {harmless} After.")


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_clause_is_a_finding_until_it_is_there(name: str) -> None:
    assert fired("Apples are delivered.")[name] == ""
    assert name not in fired("Apples are delivered.", MISSING[name])


def test_the_gravest_stand_first_and_each_has_its_clause() -> None:
    found = risks(
        [
            Clause("a.md", "1. Books", BITES["surprise-audit"][0]),
            Clause("a.md", "2. Fees", BITES["price-at-will"][0]),
            Clause("a.md", "3. Rest", " ".join(MISSING.values())),
        ]
    )
    assert [(risk.rule.severity, risk.clause and risk.clause.title) for risk in found] == [
        (Severity.HIGH, "Fees"),
        (Severity.LOW, "Books"),
    ]
    assert all(risk.clause and risk.quote in risk.clause.text for risk in found)


def test_an_empty_document_has_no_missing_clauses() -> None:
    assert risks([]) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_takes_long_on_a_hostile_sentence(rule: Rule) -> None:
    beginning = re.sub(r"[^a-z ]", "", rule.pattern.pattern.lower())[:40]
    started = time.process_time()
    fired(f"{beginning} " * 400, "liability may assign terminate interest of notice of may change " * 400)
    assert time.process_time() - started < 2
