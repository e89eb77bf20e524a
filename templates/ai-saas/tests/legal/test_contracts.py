"""Two contracts side by side: nothing that changed is called the same, and nothing that stayed is called changed."""

import time

import pytest

from app.legal.clauses import Clause
from app.legal.comparison import ClausePair, Piece, State, compare, difference, tally

RENT = Clause("a.md", "Lease > 1. Rent", "The rent is EUR 700 a month. It is paid in advance by the third working day.")
TERM = Clause("a.md", "Lease > 2. Term", "The lease begins in May and lasts five years.")
PETS = Clause("a.md", "Lease > 3. Pets", "A dog is allowed; a goat needs consent in writing.")


def other(clause: Clause, text: str = "", locator: str = "") -> Clause:
    """The clause as another contract has it."""
    return Clause("b.md", locator or clause.locator, text or clause.text)


def states(pairs: list[ClausePair]) -> list[tuple[str, str]]:
    return [(pair.clause.title, pair.state.value) for pair in pairs]


def test_a_contract_compared_with_itself_is_the_same() -> None:
    pairs = compare([RENT, TERM, PETS], [other(RENT), other(TERM), other(PETS)])
    assert tally(pairs) == {State.SAME: 3, State.CHANGED: 0, State.ADDED: 0, State.REMOVED: 0}


def test_added_removed_and_changed_clauses_stand_where_a_reader_looks_for_them() -> None:
    keys = Clause("b.md", "Lease > 3. Keys", "Lost keys are replaced by the tenant.")
    dearer = other(RENT, RENT.text.replace("700", "750"))
    pairs = compare([RENT, TERM, PETS], [dearer, other(PETS, locator="Lease > 2. Pets"), keys])
    assert states(pairs) == [("Rent", "changed"), ("Term", "removed"), ("Pets", "same"), ("Keys", "added")]
    assert [pair.renumbered for pair in pairs] == [False, False, True, False]


def test_a_changed_number_is_told_as_such() -> None:
    (pair,) = compare([RENT], [other(RENT, RENT.text.replace("700", "1,750"))])
    assert pair.numbers == (["700"], ["1,750"])
    assert pair.pieces == (
        Piece("same", "The rent is EUR"),
        Piece("removed", "700"),
        Piece("added", "1,750"),
        Piece("same", "a month. It is paid in advance by the third working day."),
    )


def test_a_clause_that_says_not_is_another_one() -> None:
    (pair,) = compare([PETS], [other(PETS, PETS.text.replace("is allowed", "is not allowed"))])
    assert pair.state is State.CHANGED
    assert Piece("added", "not") in pair.pieces


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("", "new words here"),
        ("old words here", ""),
        ("a b c d e", "a x c y e"),
        ("one\ntwo", "one\ntwo three"),
        ("", ""),
    ],
)
def test_both_texts_can_be_read_from_the_pieces(before: str, now: str) -> None:
    pieces = difference(before, now)
    for text, left_out in ((before, "added"), (now, "removed")):
        assert " ".join(piece.text for piece in pieces if piece.kind != left_out).split() == text.split()


def test_a_clause_under_another_heading_is_found_by_its_text() -> None:
    pairs = compare([TERM], [other(TERM, locator="Contract > 9. Duration")])
    assert states(pairs) == [("Duration", "changed")]


def test_long_clauses_of_hostile_contracts_are_compared_in_time() -> None:
    words = "the tenant and the landlord and the tenant and " * 2000
    many = [Clause("a.md", f"{n}. Clause", f"{words[: 300 + n]} {n}") for n in range(150)]
    started = time.process_time()
    compare([RENT, Clause("a.md", "1. Long", words)], [other(RENT), Clause("b.md", "1. Long", words[::-1])])
    compare(many, [other(each, each.text + " more") for each in many])
    assert time.process_time() - started < 10
