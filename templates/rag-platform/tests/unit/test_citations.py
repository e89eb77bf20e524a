"""An invented citation never reaches the reader."""

from app.answering.citations import CitationCheck, best_quote, support
from app.stores.ports import Chunk, Hit

PASSAGE = "Up to five unused days move into the next year. They expire on 31 March."
HITS = [Hit(Chunk("hr/leave.md", 0, PASSAGE, "Leave"), 0.5), Hit(Chunk("it/vpn.md", 0, "Use the VPN.", "VPN"), 0.4)]


def test_a_proven_sentence_is_shown_with_a_quote_that_stands_in_the_passage() -> None:
    check = CitationCheck(HITS)
    assert check.admit("Five unused days move to the next year [1].") == "Five unused days move to the next year. [1]"
    (citation,) = check.citations
    assert citation.document == "hr/leave.md"
    assert citation.quote in PASSAGE


def test_a_citation_of_a_passage_that_was_not_retrieved_is_dropped_with_its_sentence() -> None:
    check = CitationCheck(HITS)
    assert check.admit("Five unused days move to the next year. [7]") == ""
    assert check.citations == []


def test_a_citation_of_the_wrong_passage_is_dropped() -> None:
    check = CitationCheck(HITS)
    assert check.admit("Five unused days move to the next year. [2]") == ""


def test_a_changed_number_is_no_proof() -> None:
    assert support("They expire on 30 April.", PASSAGE) == 0
    assert support("They expire on 31 March.", PASSAGE) == 1
    assert support("Twelve unused days move into the next year.", PASSAGE) == 0
    assert support("5 unused days move into the next year.", PASSAGE) > 0.5


def test_text_without_a_citation_waits_for_a_proven_sentence() -> None:
    check = CitationCheck(HITS)
    assert check.admit("Here is what I found.") == ""
    assert check.admit("They expire on 31 March. [1]") == "Here is what I found. They expire on 31 March. [1]"


def test_numbers_are_given_anew_and_repeated_quotes_share_one() -> None:
    check = CitationCheck(HITS)
    assert check.admit("Use the VPN. [2]") == "Use the VPN. [1]"
    assert check.admit("They expire on 31 March. [1]") == "They expire on 31 March. [2]"
    assert check.admit("So use the VPN. [2]") == "So use the VPN. [1]"


def test_the_quote_is_the_sentence_nearest_to_the_claim() -> None:
    assert best_quote("When do they expire?", PASSAGE) == "They expire on 31 March."
