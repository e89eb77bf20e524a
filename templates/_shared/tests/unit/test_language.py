"""The one definition of words and sentences."""

from app.language import sentences, stems


def test_stems_fold_case_endings_and_drop_stop_words() -> None:
    assert stems("The Lockers were locking, a locker LOCKED") == ["locker", "lock", "locker", "lock"]


def test_codes_and_numbers_stay_words() -> None:
    assert stems("Error E-17 at 4.5 kg") == ["error", "e", "17", "4", "5", "kg"]


def test_nothing_but_punctuation_has_no_words() -> None:
    assert stems("… — !? the of") == []


def test_sentences_end_at_stops_and_line_breaks() -> None:
    assert sentences("First one. Second one!\n\nThird") == ["First one.", "Second one!", "Third"]


def test_a_citation_mark_stays_with_the_sentence_before_it() -> None:
    assert sentences("One thing. [1]\nAnother. [2]") == ["One thing. [1]", "Another. [2]"]
