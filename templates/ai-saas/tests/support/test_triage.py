"""Rules decide what a person must answer; greetings are no questions."""

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.support.triage import core, read_rules, reasons

RULES = read_rules()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("There was SMOKE from the plug.", "safety"),
        ("You will hear from my lawyer.", "legal"),
        ("It wasn\u2019t me who ordered that.", "security"),
        ("Under the GDPR I want everything.", "privacy"),
        ("This is\nunacceptable!", "upset"),
        ("I want to speak to a person.", "person"),
    ],
)
def test_a_ticket_that_needs_a_person_says_why(body: str, name: str) -> None:
    (rule,) = [rule for rule in RULES if rule.name == name]
    assert reasons("A ticket", body, RULES) == [rule.reason]


@pytest.mark.parametrize(
    "body", ["Where is my parcel?", "The smokey-brown basil", "My lawyers' exam", "I am a firefighter."]
)
def test_a_word_inside_another_one_is_no_reason(body: str) -> None:
    assert reasons("A ticket", body, RULES) == []


def test_the_subject_counts_as_well() -> None:
    assert reasons("Electric shock!", "Please help.", RULES)


def test_what_is_searched_for_is_the_question_without_courtesy() -> None:
    body = "Hi there! We love the garden. My cat too. When does the refund come? Best, Tom"
    assert core("Refund", body) == "Refund When does the refund come?"


def test_without_a_question_the_telling_sentences_are_searched_for() -> None:
    body = "Hello!\nThe pump has stopped running since the weekend.\nThanks, Ben"
    assert core("Pump", body) == "Pump The pump has stopped running since the weekend."


@pytest.mark.parametrize(
    "text", ["rules: [{name: a}]", "rules: {", "other: 1", "rules: [{name: a, reason: b, phrases: []}]"]
)
def test_rules_that_do_not_fit_are_refused_with_their_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"rules\.yaml"):
        read_rules(file)
